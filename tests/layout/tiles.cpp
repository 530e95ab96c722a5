// SPDX-License-Identifier: Apache-2.0

// Conversion of whole grids, which goes by tiles, beside convert_element(), which goes by offset() and position().

#include "../support/threads.hpp"
#include "every.hpp"

using namespace layout_test;
using namespace nvq::layout;

namespace {

template <class T>
std::vector<T> pattern(std::int64_t n, std::int64_t below) {
  std::vector<T> out;
  std::uint64_t x = 88172645463325252u;
  for (std::int64_t i = 0; i < n; ++i) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    out.push_back(static_cast<T>(x % static_cast<std::uint64_t>(below)));
  }
  return out;
}

template <class From, class To>
void check(const From& from, const To& to, std::int64_t below) {
  using V = typename To::value_type;
  const auto in = pattern<typename From::value_type>(from.elements(), below);
  INFO(to.rows() << " x " << to.columns());
  for (const nvq::Recode recode : {nvq::Recode::none, nvq::Recode::offset_binary})
    for (const int pad : {0, 0x7F}) {
      std::vector<V> wanted(static_cast<std::size_t>(to.elements()), static_cast<V>(0x5A));
      for (std::int64_t i = 0; i < to.elements(); ++i)
        convert_element(from, in.data(), to, wanted.data(), i, static_cast<V>(pad), recode);
      std::vector<V> got(wanted.size(), static_cast<V>(0x5A)), threaded = got;
      REQUIRE(nvq::convert_layout(from, in, to, got, static_cast<V>(pad), recode));
      CHECK(got == wanted);
      Threads threads;
      const nvq::result done =
          nvq::convert_layout(from, in, to, threaded, threads, static_cast<V>(pad), recode);
      REQUIRE(done);
      CHECK(done.count == to.shape().size());
      CHECK(threaded == wanted);
    }
}

struct BothWays {
  int shapes = 0;

  template <class L>
  void of(const char* name) {
    INFO(name);
    CHECK(separates<L>);
    for (const nvq::shape2d shape : {nvq::shape2d(1, 1), nvq::shape2d(5, 3), nvq::shape2d(64, 64),
                                     nvq::shape2d(63, 130), nvq::shape2d(200, 65), nvq::shape2d(64, 192),
                                     nvq::shape2d(72, 96), nvq::shape2d(192, 40), nvq::shape2d(320, 256)}) {
      const L layout(shape);
      if (layout.check() != nvq::errc::ok) continue;
      ++shapes;
      const auto linear = layout.linear();
      check(linear, layout, L::bits() == 4 && linear.bits() == 8 ? 16 : 251);
      check(layout, linear, 251);
    }
  }
};

/// offset(r, c) = f(r) + g(c), and g grows by the same even number every 64 columns.
struct Separable {
  template <class L>
  void of(const char* name) {
    INFO(name);
    const L layout({192, 384});
    REQUIRE(layout.check() == nvq::errc::ok);
    std::int64_t wrong = 0;
    for (std::int64_t r = 0; r < 192; ++r)
      for (std::int64_t c = 0; c < 384; ++c)
        wrong += layout.offset(r, c) != layout.offset(r, 0) + layout.offset(0, c) - layout.offset(0, 0);
    CHECK(wrong == 0);
    const std::int64_t step = layout.offset(0, 64) - layout.offset(0, 0);
    CHECK(step % 2 == 0);
    for (std::int64_t c = 64; c < 384; ++c) wrong += layout.offset(0, c) - layout.offset(0, c - 64) != step;
    CHECK(wrong == 0);
  }
};

/// A layout of one's own, of which nothing is known: rows from the right to the left, every other one.
class Snake : public base<std::uint8_t, 4> {
 public:
  explicit constexpr Snake(nvq::shape2d shape) noexcept : base(shape, 1, 2) {}
  constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return r * padded().columns() + (r % 2 == 0 ? c : padded().columns() - 1 - c);
  }
  constexpr nvq::layout::position position(std::int64_t i) const noexcept {
    const std::int64_t r = i / padded().columns(), c = i % padded().columns();
    return {r, r % 2 == 0 ? c : padded().columns() - 1 - c};
  }
};

}  // namespace

TEST_CASE("offsets are sums of one of the row and one of the column", "[layout]") {
  for_every_layout(Separable{});
}

TEST_CASE("grids convert as their elements do", "[layout]") {
  BothWays both;
  for_every_layout(both);
  CHECK(both.shapes > 150);
}

TEST_CASE("grids convert between any two layouts", "[layout]") {
  const nvq::shape2d shape(192, 384);
  check(GptqWeights<4>(shape), AwqWeights(shape), 256);
  check(AwqWeights(shape), MarlinWeights<4>(shape), 256);
  check(MarlinWeights<4, MarlinActivation::bits8>(shape), GgmlCodes<GgmlMXFP4>(shape), 256);
  check(GgmlCodes<GgmlNVFP4>(shape), MarlinWeights<4>(shape), 256);
  check(LinearCodes<4>(shape), PackQuantizedWeights<4>(shape), 256);
  check(LinearCodes<8>(shape), GptqWeights<8>(shape), 256);
  check(Blocked128x4(shape), DeepGemmUE8M0(shape), 256);
  check(GptqZeros<4>(shape), AwqZeros(shape), 256);
  check(Snake(shape), GptqWeights<4>(shape), 256);
  check(AwqWeights(shape), Snake(shape), 256);
  check(Linear<>({70, 5}, {80, 9}), Blocked128x4({70, 5}), 256);
  check(Blocked8x4({70, 5}), Linear<>({70, 5}, {80, 9}), 256);
}
