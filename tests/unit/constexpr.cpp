// SPDX-License-Identifier: Apache-2.0
// Everything below tensors works in constant expressions, where there is no undefined behaviour.

#include <array>
#include <nvq/formats.hpp>
#include <nvq/layout.hpp>

#include "../support/catch.hpp"

namespace {

using nvq::E2M1;
using nvq::E4M3;

static_assert(nvq::bit_cast<std::uint32_t>(1.0f) == 0x3F800000u, "");
static_assert(nvq::exp2i(-149) > 0.0f && nvq::is_nan(nvq::quiet_nan()) && !nvq::is_finite(nvq::infinity()),
              "");
static_assert(nvq::div_rn(1.0f, 0.0f) == nvq::infinity() && nvq::is_nan(nvq::div_rn(0.0f, 0.0f)), "");
static_assert(nvq::round_even(2.5f) == 2.0f && nvq::round_even(-3.5f) == -4.0f, "");
static_assert(nvq::half(65504.0f).bits == 0x7BFF && nvq::to_float(nvq::bfloat16(1.0f)) == 1.0f, "");
static_assert(nvq::random_bits(0, 0) == 0x6627e8d5u, "");

static_assert(E2M1::encode(nvq::quiet_nan()) == 0x7 && E2M1::encode(-nvq::infinity()) == 0xF, "");
static_assert(E2M1::encode_stochastic(2.25f, 0x3FFFFFFFu) == 0x5, "");
static_assert(E4M3::encode(449.0f, nvq::Rounding::away_from_zero, nvq::Overflow::special) == 0x7F, "");
static_assert(E4M3::encode(nvq::exp2i(-149), nvq::Rounding::away_from_zero) == 0x01, "");
static_assert(nvq::E5M2FNUZ::decode(0x01) == nvq::exp2i(-17), "");
static_assert(nvq::Int8::encode(-1e30f) == 0x80 && nvq::UInt4::encode(1e30f) == 15, "");
static_assert(nvq::Int4::encode_stochastic(-7.5f, 0) == 0x9, "");
static_assert(nvq::NormalFloat4::encode(0.04f) == 8 && nvq::NormalFloat4::decode(15) == 1.0f, "");
static_assert(nvq::E8M0::encode(3.0f, nvq::Rounding::away_from_zero) == 0x81, "");
static_assert(nvq::ScaleFP16::encode(1e30f) == 0x7BFF && nvq::ScaleE8M0::decode(0x7F) == 1.0f, "");

static_assert(nvq::NVFP4::codes_bytes(3, 33) == 51 && nvq::NVFP4::scales_bytes(3, 33) == 9, "");
static_assert(nvq::NF4_DQ::scales_bytes(1, 64) == 12, "");
static_assert(!nvq::shape2d(-1, 1).valid(), "");
static_assert(nvq::to_string(nvq::errc::ok)[0] == 'o', "");
static_assert(nvq::tensor_scales<nvq::NVFP4>(2688.0f, nvq::recipe::modelopt).decode == 1.0f, "");
static_assert(nvq::layout::Blocked128x4({128, 4}).offset(1, 0) == 16, "");

/// One block of 32 values encoded and decoded.
template <class F>
struct Block {
  std::array<std::uint8_t, 32> codes{};
  std::array<float, 32> decoded{};
  typename F::scale_code scale{};
};

/// A ramp from -amax to amax, whose last value is amax.
template <class F, class R>
constexpr Block<F> encoded(float amax, R recipe) {
  float values[32] = {};
  for (int i = 0; i < 32; ++i) values[i] = amax * static_cast<float>(2 * i - 31) / 31.0f;
  Block<F> b{};
  const nvq::TensorScales ts = nvq::tensor_scales<F>(amax, recipe);
  b.scale = nvq::encode_block<F>(values, 32, &b.codes[0], ts, recipe);
  nvq::decode_block<F>(&b.codes[0], 32, b.scale, ts.decode, &b.decoded[0]);
  return b;
}

// In each, 6 (448, 127, 7 ...) times the scale is the amax.
constexpr auto nvfp4 = encoded<nvq::NVFP4>(1344.0f, nvq::recipe::transformer_engine);
static_assert(nvfp4.scale == 0x7E && nvfp4.codes[31] == 0x7 && nvfp4.codes[0] == 0xF, "");
static_assert(nvfp4.decoded[31] == 1344.0f && nvfp4.decoded[0] == -1344.0f, "");
constexpr auto nvfp4_mse = encoded<nvq::NVFP4>(1536.0f, nvq::recipe::mse);
static_assert(nvfp4_mse.decoded[31] >= 1280.0f && nvfp4_mse.decoded[31] <= 1792.0f, "");
constexpr auto nvfp4_46 = encoded<nvq::NVFP4>(1536.0f, nvq::recipe::four_over_six);
static_assert(nvfp4_46.decoded[31] == 1536.0f, "");
constexpr auto mxfp4 = encoded<nvq::MXFP4>(11.0f, nvq::recipe::rceil);
static_assert(mxfp4.scale == 0x80 && mxfp4.codes[31] == 0x7 && mxfp4.decoded[0] == -12.0f, "");
constexpr auto mxfp6 = encoded<nvq::MXFP6_E2M3>(7.5f, nvq::recipe::ocp_floor);
static_assert(mxfp6.scale == 0x7F && mxfp6.codes[31] == 0x1F, "");
constexpr auto fp8 = encoded<nvq::FP8_E4M3>(896.0f, nvq::recipe::amax);
static_assert(fp8.scale == 2.0f && fp8.codes[31] == 0x7E && fp8.decoded[0] == -896.0f, "");
constexpr auto int8 = encoded<nvq::INT8>(63.5f, nvq::recipe::amax);
static_assert(int8.scale == 0.5f && int8.codes[31] == 127 && int8.codes[0] == 0x81, "");
constexpr auto int4 = encoded<nvq::INT4_G32>(14.0f, nvq::recipe::amax);
static_assert(int4.scale == 0x4000 && int4.codes[31] == 7 && int4.decoded[0] == -14.0f, "");
constexpr auto int4_zp = encoded<nvq::INT4_G32_ZP>(7.5f, nvq::recipe::asymmetric);
static_assert(int4_zp.scale.scale == 0x3C00 && int4_zp.scale.zero_point == 8 && int4_zp.codes[31] == 15, "");
constexpr auto nf4 = encoded<nvq::NF4>(3.0f, nvq::recipe::bitsandbytes);
static_assert(nf4.scale == 3.0f && nf4.codes[31] == 15 && nf4.decoded[0] == -3.0f, "");

/// The same at run time.
template <class F, class R>
void check_run_time(const Block<F>& expected, float amax, R recipe) {
  volatile float opaque = amax;
  const Block<F> actual = encoded<F>(opaque, recipe);
  CHECK(actual.codes == expected.codes);
  CHECK(actual.decoded == expected.decoded);
}

}  // namespace

TEST_CASE("constant expressions give the bytes that run time gives", "[constexpr]") {
  check_run_time(nvfp4, 1344.0f, nvq::recipe::transformer_engine);
  check_run_time(nvfp4_mse, 1536.0f, nvq::recipe::mse);
  check_run_time(nvfp4_46, 1536.0f, nvq::recipe::four_over_six);
  check_run_time(mxfp4, 11.0f, nvq::recipe::rceil);
  check_run_time(mxfp6, 7.5f, nvq::recipe::ocp_floor);
  check_run_time(fp8, 896.0f, nvq::recipe::amax);
  check_run_time(int8, 63.5f, nvq::recipe::amax);
  check_run_time(int4, 14.0f, nvq::recipe::amax);
  check_run_time(int4_zp, 7.5f, nvq::recipe::asymmetric);
  check_run_time(nf4, 3.0f, nvq::recipe::bitsandbytes);
}
