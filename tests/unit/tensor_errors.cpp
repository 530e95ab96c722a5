// SPDX-License-Identifier: Apache-2.0
// Every reason for which a call is refused, and that a refused call has written nothing.

#include <nvq/fp8.hpp>
#include <nvq/int4.hpp>
#include <nvq/layout.hpp>
#include <nvq/mxfp4.hpp>
#include <nvq/nf4.hpp>
#include <nvq/nvfp4.hpp>
#include <set>
#include <string>
#include <vector>

#include "../support/catch.hpp"

namespace {

using nvq::errc;

/// Buffers for a 4 x 64 matrix, filled so that any write shows.
struct Buffers {
  std::vector<float> in = std::vector<float>(256, 1.5f);
  std::vector<std::uint8_t> codes = std::vector<std::uint8_t>(128, 0xA5);
  std::vector<std::uint8_t> scales = std::vector<std::uint8_t>(8, 0xA5);
  std::vector<float> out = std::vector<float>(256, -7.0f);

  bool untouched() const {
    for (const std::uint8_t c : codes)
      if (c != 0xA5) return false;
    for (const std::uint8_t s : scales)
      if (s != 0xA5) return false;
    for (const float x : out)
      if (x != -7.0f) return false;
    return true;
  }
};

using F = nvq::MXFP4;
constexpr nvq::recipe::rceil_t recipe{};

nvq::span<std::uint8_t> first(std::vector<std::uint8_t>& v, std::size_t n) { return {v.data(), n}; }

void check_refused(nvq::result r, errc ec, const Buffers& b) {
  CHECK_FALSE(r);
  CHECK(r.ec == ec);
  CHECK(r.count == 0);
  CHECK(b.untouched());
}

}  // namespace

TEST_CASE("encode refuses", "[tensor]") {
  Buffers b;
  const nvq::shape2d shape(4, 64);
  const nvq::matrix_view<const float> view(b.in.data(), shape);
  SECTION("a negative extent") {
    check_refused(nvq::encode<F>(b.in, {-4, 64}, b.codes, b.scales), errc::invalid_shape, b);
    check_refused(nvq::encode<F>(b.in, {4, -64}, b.codes, b.scales), errc::invalid_shape, b);
  }
  SECTION("an extent too large") {
    check_refused(nvq::encode<F>(b.in, {INT64_MAX, 64}, b.codes, b.scales), errc::invalid_shape, b);
    check_refused(nvq::encode<F>(b.in, {4, UINT64_MAX}, b.codes, b.scales), errc::invalid_shape, b);
  }
  SECTION("a stride less than a row") {
    check_refused(nvq::encode<F>(nvq::matrix_view<const float>(b.in.data(), shape, 63), b.codes, b.scales),
                  errc::invalid_shape, b);
    check_refused(nvq::encode<F>(nvq::matrix_view<const float>(b.in.data(), shape, -64), b.codes, b.scales),
                  errc::invalid_shape, b);
  }
  SECTION("an input of the wrong size") {
    check_refused(nvq::encode<F>(b.in, {4, 63}, b.codes, b.scales), errc::input_size, b);
    check_refused(nvq::encode<F>(b.in, {5, 64}, b.codes, b.scales), errc::input_size, b);
  }
  SECTION("codes of the wrong size") {
    check_refused(nvq::encode<F>(view, first(b.codes, 127), b.scales), errc::codes_size, b);
    std::vector<std::uint8_t> long_codes(129, 0xA5);
    check_refused(nvq::encode<F>(view, long_codes, b.scales), errc::codes_size, b);
    CHECK(long_codes == std::vector<std::uint8_t>(129, 0xA5));
  }
  SECTION("scales of the wrong size") {
    check_refused(nvq::encode<F>(view, b.codes, first(b.scales, 7)), errc::scales_size, b);
    check_refused(nvq::encode<F>(view, b.codes, nvq::span<std::uint8_t>()), errc::scales_size, b);
  }
  SECTION("importance weights that are not one per column") {
    const std::vector<float> weights(63, 1.0f);
    nvq::encode_options options;
    options.importance = weights;
    check_refused(nvq::encode<F>(view, b.codes, b.scales, recipe, options), errc::importance_size, b);
  }
  SECTION("a null input") {
    check_refused(nvq::encode<F>(nvq::matrix_view<const float>(nullptr, shape), b.codes, b.scales),
                  errc::null_pointer, b);
  }
  SECTION("null buffers") {
    const nvq::span<std::uint8_t> null_codes(nullptr, 128), null_scales(nullptr, 8);
    check_refused(nvq::encode<F>(view, null_codes, b.scales), errc::null_pointer, b);
    check_refused(nvq::encode<F>(view, b.codes, null_scales), errc::null_pointer, b);
    std::vector<std::uint16_t> scales(8, 0xA5A5);
    check_refused(nvq::encode<nvq::INT4_G32_ZP>(view, b.codes, scales, null_scales), errc::null_pointer, b);
  }
  SECTION("a negative amax") {
    check_refused(nvq::encode<nvq::NVFP4>(view, b.codes, first(b.scales, 8), -1.0f), errc::scales_size, b);
    std::vector<std::uint8_t> scales(16, 0xA5);
    check_refused(nvq::encode<nvq::NVFP4>(view, b.codes, scales, -1.0f), errc::invalid_amax, b);
    CHECK(scales == std::vector<std::uint8_t>(16, 0xA5));
  }
  SECTION("stochastic rounding of an element that has none") {
    std::vector<float> scales(4, -1.0f);
    nvq::encode_options options;
    options.stochastic = true;
    check_refused(nvq::encode<nvq::NF4>(view, b.codes, scales, nvq::recipe::bitsandbytes, options),
                  errc::unsupported_rounding, b);
    CHECK(scales == std::vector<float>(4, -1.0f));
  }
  SECTION("zero points of the wrong size") {
    std::vector<std::uint16_t> scales(8, 0xA5A5);
    std::vector<std::uint8_t> zero_points(7, 0xA5);
    check_refused(nvq::encode<nvq::INT4_G32_ZP>(view, b.codes, scales, zero_points), errc::zero_points_size,
                  b);
    check_refused(nvq::encode<nvq::INT4_G32_ZP>(view, b.codes, scales), errc::zero_points_size, b);
    CHECK(scales == std::vector<std::uint16_t>(8, 0xA5A5));
    CHECK(zero_points == std::vector<std::uint8_t>(7, 0xA5));
  }
  SECTION("nothing of the right sizes") {
    const nvq::result done = nvq::encode<F>(b.in, shape, b.codes, b.scales);
    CHECK(done);
    CHECK(done.count == 256);
    CHECK(done.ec == errc::ok);
    CHECK_FALSE(b.untouched());
  }
}

TEST_CASE("decode refuses", "[tensor]") {
  Buffers b;
  const nvq::shape2d shape(4, 64);
  check_refused(nvq::decode<F>(b.codes, b.scales, {-4, 64}, b.out), errc::invalid_shape, b);
  check_refused(nvq::decode<F>(b.codes, b.scales, {4, 65}, b.out), errc::output_size, b);
  check_refused(nvq::decode<F>(first(b.codes, 127), b.scales, shape, b.out), errc::codes_size, b);
  check_refused(nvq::decode<F>(b.codes, first(b.scales, 9 - 2), shape, b.out), errc::scales_size, b);
  const nvq::span<const std::uint8_t> none;
  check_refused(nvq::decode<F>(b.codes, b.scales, none, nvq::matrix_view<float>(nullptr, shape)),
                errc::null_pointer, b);
  check_refused(nvq::decode<F>(b.codes, b.scales, none, nvq::matrix_view<float>(b.out.data(), shape, 60)),
                errc::invalid_shape, b);
  check_refused(nvq::decode<F>({nullptr, 128}, b.scales, shape, b.out), errc::null_pointer, b);
  check_refused(nvq::decode<F>(b.codes, {nullptr, 8}, shape, b.out), errc::null_pointer, b);
  const std::vector<std::uint16_t> scales(8);
  check_refused(nvq::decode<nvq::INT4_G32_ZP>(b.codes, scales, none, shape, b.out), errc::zero_points_size,
                b);
}

TEST_CASE("quantize refuses", "[tensor]") {
  const std::vector<float> in(256);
  const auto check = [](const auto& q, errc ec) {
    CHECK_FALSE(q);
    CHECK(q.ec() == ec);
    CHECK(q.codes().empty());
    CHECK(q.scales().empty());
    CHECK(q.shape().size() == 0);
    CHECK(nvq::dequantize<float>(q).empty());
  };
  check(nvq::quantize<F>(in, {-1, 256}), errc::invalid_shape);
  check(nvq::quantize<F>(in, {4, 63}), errc::input_size);
  check(nvq::quantize<F>(nvq::matrix_view<const float>(nullptr, {4, 64})), errc::null_pointer);
  check(nvq::quantize<nvq::NVFP4>(nvq::matrix_view<const float>(in.data(), {4, 64}, 1)), errc::invalid_shape);
  nvq::encode_options options;
  options.stochastic = true;
  check(nvq::quantize<nvq::NF4>(in, {4, 64}, nvq::recipe::bitsandbytes, options), errc::unsupported_rounding);
  const std::vector<float> weights(3);
  options = {};
  options.importance = weights;
  check(nvq::quantize<F>(in, {4, 64}, recipe, options), errc::importance_size);
}

TEST_CASE("a layout that does not take a shape says so", "[tensor]") {
  const nvq::layout::AwqWeights layout({15, 8});  // eight rows share a word
  const std::vector<std::uint8_t> linear(15 * 4);
  std::vector<std::uint8_t> out(128, 0xA5);
  const nvq::result done = nvq::to_layout(layout, linear, out);
  CHECK(done.ec == errc::unsupported_layout);
  CHECK(done.count == 0);
  CHECK(out == std::vector<std::uint8_t>(128, 0xA5));
}

TEST_CASE("null is fine where the size is zero", "[tensor]") {
  CHECK(nvq::encode<F>(nvq::matrix_view<const float>(nullptr, {0, 64}), nvq::span<std::uint8_t>(),
                       nvq::span<std::uint8_t>()));
  const nvq::quantized<F> q = nvq::quantize<F>(nvq::matrix_view<const float>(nullptr, {4, 0}));
  CHECK(q);
  CHECK(q.shape().rows() == 4);
  CHECK(nvq::dequantize<float>(q).empty());
  CHECK(nvq::amax(nvq::matrix_view<const float>(nullptr, {0, 0})) == 0.0f);
}

TEST_CASE("every reason has a sentence of its own", "[status]") {
  std::set<std::string> texts;
  for (int i = 0; i <= static_cast<int>(errc::null_pointer); ++i)
    texts.insert(nvq::to_string(static_cast<errc>(i)));
  CHECK(texts.size() == static_cast<std::size_t>(errc::null_pointer) + 1);
  CHECK(texts.count("unknown error") == 0);
  CHECK(std::string(nvq::to_string(static_cast<errc>(1000))) == "unknown error");
}
