// SPDX-License-Identifier: Apache-2.0

#include <cstring>
#include <limits>

#include "../support/catch.hpp"
#include "reference.hpp"

using namespace products;

namespace {

/// Weights and activations that floats hold exactly, so that every order gives the same sum.
template <class F>
nvq::quantized<F> small_integers(std::size_t rows, std::size_t columns) {
  std::vector<float> w(rows * columns);
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] = i % 16 == 0 ? 6.0f : static_cast<float>(static_cast<int>(i * 7 % 5) - 2);
  return nvq::quantize<F>(w, {rows, columns});
}

}  // namespace

TEST_CASE("a product that can be computed by hand", "[gemv]") {
  nvq::packed_weights<nvq::INT4_G32> w;
  const std::vector<std::uint8_t> codes = {0x21, 0xF3};  // 1, 2, 3, -1
  const std::vector<std::uint16_t> scales = {0x3800};    // 0.5
  w.codes = codes, w.scales = scales, w.shape = {1, 4};
  const std::vector<float> x = {1.0f, 10.0f, 100.0f, 1000.0f};
  std::vector<float> y(1);
  for_each_tier([&](nvq::Isa) {
    REQUIRE(nvq::gemv(w, x, y));
    REQUIRE(y[0] == 0.5f * (1 + 20 + 300 - 1000));
  });
}

TEMPLATE_TEST_CASE("every code, alone in its row", "[gemv]", nvq::FP8_E4M3, nvq::FP8_E5M2, nvq::INT8) {
  constexpr std::size_t rows = 256, columns = 128;
  std::vector<std::uint8_t> codes(rows * columns, 0);
  for (std::size_t r = 0; r < rows; ++r) codes[r * columns + r * 37 % columns] = static_cast<std::uint8_t>(r);
  const std::vector<float> scales = {1.0f}, x(columns, 1.0f);
  const nvq::packed_weights<TestType> w(codes, scales, {}, {rows, columns});
  for_each_tier([&](nvq::Isa isa) {
    std::vector<float> y(rows);
    REQUIRE(nvq::gemv(w, x, y));
    for (std::size_t r = 0; r < rows; ++r) {
      const float value = TestType::element::decode(static_cast<std::uint8_t>(r));
      INFO(nvq::isa_name(isa) << ", code " << r);
      REQUIRE((value != value ? y[r] != y[r] : y[r] == value));
    }
  });
}

TEST_CASE("activations and outputs of 16 bits", "[gemv]") {
  const std::size_t rows = 9, columns = 400;
  const auto q = small_integers<nvq::MXFP4>(rows, columns);
  std::vector<float> x(columns), wanted(rows);
  for (std::size_t c = 0; c < columns; ++c) x[c] = static_cast<float>(static_cast<int>(c % 9) - 4) * 0.25f;
  const std::vector<nvq::bfloat16> bf(x.begin(), x.end());
  const std::vector<nvq::half> hf(x.begin(), x.end());
  for_each_tier([&](nvq::Isa) {
    std::vector<float> y(rows), z(rows);
    std::vector<nvq::bfloat16> narrow(rows);
    REQUIRE(nvq::gemv(q, x, y));
    REQUIRE(nvq::gemv(q, bf, z));
    REQUIRE(y == z);
    REQUIRE(nvq::gemv(q, hf, z));
    REQUIRE(y == z);
    REQUIRE(nvq::gemv(q, hf, narrow));
    for (std::size_t r = 0; r < rows; ++r) {
      REQUIRE(double(y[r]) == exact(take_row(q, r), x).sum);
      REQUIRE(narrow[r].bits == nvq::bfloat16(y[r]).bits);
    }
  });
}

TEST_CASE("NaN and infinities go where they are multiplied", "[gemv]") {
  const std::size_t columns = 256;
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> ones(columns, 1.0f);
  std::vector<float> y(2);
  const auto q =
      nvq::quantize<nvq::FP8_E5M2>(std::vector<float>(2 * columns, 1.0f), {std::size_t{2}, columns});
  std::vector<std::uint8_t> codes = q.codes();
  codes[columns + 200] = 0x7C;  // infinity, in row 1
  const nvq::packed_weights<nvq::FP8_E5M2> w(codes, q.scales(), {}, q.shape());
  for_each_tier([&](nvq::Isa) {
    REQUIRE(nvq::gemv(w, ones, y));
    REQUIRE((std::isfinite(y[0]) && y[1] == inf));
  });
  codes[columns + 3] = 0xFE;  // NaN
  for_each_tier([&](nvq::Isa) {
    REQUIRE(nvq::gemv(w, ones, y));
    REQUIRE((std::isfinite(y[0]) && nvq::float_bits(y[1]) == 0x7FC00000u));
  });
  auto nv = small_integers<nvq::NVFP4>(2, columns);
  std::vector<std::uint8_t> scales = nv.scales();
  scales[17] = 0xFF;
  const nvq::packed_weights<nvq::NVFP4> n(nv.codes(), scales, {}, nv.shape(), nv.tensor_scale());
  for_each_tier([&](nvq::Isa) {
    REQUIRE(nvq::gemv(n, ones, y));
    REQUIRE((std::isfinite(y[0]) && nvq::float_bits(y[1]) == 0x7FC00000u));
  });
}

TEST_CASE("what is refused is not written", "[gemv]") {
  const auto q = small_integers<nvq::NVFP4>(4, 64);
  const std::vector<float> x(64), longer(65);
  std::vector<float> y(4, 3.0f), more(5, 3.0f);
  using nvq::errc;
  CHECK(nvq::gemv(q, longer, y).ec == errc::input_size);
  CHECK(nvq::gemv(q, x, more).ec == errc::output_size);
  const nvq::matrix_view<const float> in(x.data(), {1, 64});
  CHECK(nvq::gemm(q, in, nvq::matrix_view<float>(more.data(), {1, 5})).ec == errc::output_size);
  CHECK(nvq::gemm(q, nvq::matrix_view<const float>(x.data(), {1, 63}),
                  nvq::matrix_view<float>(y.data(), {1, 4}))
            .ec == errc::input_size);
  CHECK(nvq::gemm(q, in, nvq::matrix_view<float>(nullptr, {1, 4})).ec == errc::null_pointer);
  nvq::packed_weights<nvq::NVFP4> w(q);
  w.codes = {w.codes.data(), w.codes.size() - 1};
  CHECK(nvq::gemv(w, x, y).ec == errc::codes_size);
  w = q;
  w.scales = {w.scales.data(), w.scales.size() + 1};
  CHECK(nvq::gemv(w, x, y).ec == errc::scales_size);
  w = q;
  w.shape = {-1, 64};
  CHECK(nvq::gemv(w, x, y).ec == errc::invalid_shape);
  const auto z = small_integers<nvq::INT4_G32_ZP>(4, 64);
  nvq::packed_weights<nvq::INT4_G32_ZP> p(z);
  p.zero_points = {};
  CHECK(nvq::gemv(p, x, y).ec == errc::zero_points_size);
  CHECK((y == std::vector<float>(4, 3.0f) && more == std::vector<float>(5, 3.0f)));
  CHECK(nvq::gemm(small_integers<nvq::NVFP4>(0, 64), in, nvq::matrix_view<float>(nullptr, {1, 0})).count ==
        0);
  // No columns: sums of nothing.
  CHECK(nvq::gemv(small_integers<nvq::NVFP4>(4, 0), std::vector<float>(), y));
  CHECK(y == std::vector<float>(4, 0.0f));
}
