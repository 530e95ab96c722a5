// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <limits>
#include <nvq/span.hpp>
#include <vector>

#include "../support/catch.hpp"

TEST_CASE("shapes come from any integer types", "[shape]") {
  const nvq::shape2d shapes[] = {
      {3, 5},
      {3u, 5L},
      {std::int8_t{3}, std::uint64_t{5}},
      {std::size_t{3}, std::int64_t{5}},
      {static_cast<unsigned char>(3), short{5}},
  };
  for (const nvq::shape2d& s : shapes) {
    CHECK(s.rows() == 3);
    CHECK(s.columns() == 5);
    CHECK(s.size() == 15);
    CHECK(s.valid());
  }
}

TEST_CASE("negative and too large shapes are invalid", "[shape]") {
  CHECK_FALSE(nvq::shape2d(-1, 5).valid());
  CHECK_FALSE(nvq::shape2d(5, std::int8_t{-1}).valid());
  CHECK_FALSE(nvq::shape2d(std::numeric_limits<std::uint64_t>::max(), 1).valid());
  CHECK_FALSE(nvq::shape2d(1, std::uint64_t{1} << 63).valid());
  CHECK_FALSE(nvq::shape2d(std::int64_t{1} << 31, std::int64_t{1} << 32).valid());
  CHECK_FALSE(nvq::shape2d(INT64_MAX, INT64_MAX).valid());
  CHECK_FALSE(nvq::shape2d(INT64_MIN, INT64_MIN).valid());
  CHECK_FALSE(nvq::shape2d(0, INT64_MAX).valid());
  CHECK_FALSE(nvq::shape2d(INT64_MAX, 0).valid());
  CHECK(nvq::shape2d(std::int64_t{1} << 29, std::int64_t{1} << 30).valid());
  CHECK(nvq::shape2d(0, 5).valid());
  CHECK(nvq::shape2d(5, 0).valid());
  CHECK(nvq::shape2d(0, 0).size() == 0);
}

TEST_CASE("a shape is valid up to 2^60 - 1 values", "[shape]") {
  constexpr std::int64_t limit = INT64_MAX / 8;
  for (int power = 0; power <= 60; ++power)
    for (const std::int64_t delta : {-1, 0, 1}) {
      const std::int64_t rows = (std::int64_t{1} << power) + delta;
      if (rows < 1 || rows > limit) continue;
      const std::int64_t columns = limit / rows;
      INFO(rows << " x " << columns);
      CHECK(nvq::shape2d(rows, columns).valid());
      CHECK(nvq::shape2d(columns, rows).valid());
      CHECK_FALSE(nvq::shape2d(rows, columns + 1).valid());
      CHECK_FALSE(nvq::shape2d(columns + 1, rows).valid());
    }
}

TEST_CASE("spans are made of anything contiguous", "[shape]") {
  std::vector<int> vector = {1, 2, 3};
  std::array<int, 2> array = {4, 5};
  int raw[4] = {6, 7, 8, 9};
  const nvq::span<int> a(vector), b(array), c(raw), d(raw + 1, 2);
  CHECK((a.size() == 3 && a[2] == 3 && a.data() == vector.data()));
  CHECK((b.size() == 2 && b[1] == 5));
  CHECK((c.size() == 4 && c[3] == 9));
  CHECK((d.size() == 2 && d[0] == 7));
  const std::vector<int>& read_only = vector;
  CHECK(nvq::span<const int>(read_only).size() == 3);
  CHECK(nvq::span<int>().empty());
  CHECK(nvq::span<int>().data() == nullptr);
  int sum = 0;
  for (const int x : c) sum += x;
  CHECK(sum == 30);
}

TEST_CASE("a matrix view finds its elements", "[shape]") {
  std::vector<float> memory(20);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<float>(i);
  const nvq::matrix_view<float> view(memory.data() + 1, {3, 4}, 6);
  CHECK(view(0, 0) == 1.0f);
  CHECK(view(2, 3) == 16.0f);
  CHECK(view.row(1) == memory.data() + 7);
  CHECK(view.row_stride() == 6);
  CHECK(nvq::matrix_view<float>(memory.data(), {3, 4}).row_stride() == 4);
  CHECK(view.as_const()(1, 1) == 8.0f);
}
