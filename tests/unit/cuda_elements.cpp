// SPDX-License-Identifier: Apache-2.0
// Elements against NVIDIA's own conversions: cuda_fp4.h, cuda_fp6.h and cuda_fp8.h run on the host.

#include "elements.hpp"

#ifdef NVQ_TEST_CUDA_HEADERS
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>

#include <cmath>
#include <nvq/float16.hpp>

namespace {

constexpr auto nearest = nvq::Rounding::nearest_even;
constexpr auto toward_zero = nvq::Rounding::toward_zero;

/// Inputs as floats: every 16-bit one and the boundaries of the element.
template <class E>
std::vector<float> inputs() {
  std::vector<float> v = oracle::all_16_bit_inputs();
  for (const float x : oracle::inputs_around(oracle::FloatElement(unit::literal<E>().spec).line()))
    v.push_back(x);
  oracle::Lcg random(13);
  for (int i = 0; i < 100000; ++i) v.push_back(oracle::from_bits(random.bits()));
  return v;
}

template <class Actual, class Expected>
void compare(const std::vector<float>& in, Actual actual, Expected expected) {
  oracle::Differences differences;
  for (const float x : in) differences.compare(x, actual(x), expected(x));
  CHECK(differences.report() == "");
}

float value(__half_raw h) { return __half2float(__half(h)); }

template <class E, class Decode>
void compare_decoding(Decode decode) {
  oracle::Differences differences;
  for (unsigned code = 0; code < (1u << E::bits); ++code) {
    const float actual = E::decode(static_cast<std::uint8_t>(code)),
                expected = decode(static_cast<std::uint8_t>(code));
    if (std::isnan(expected))
      differences.compare(actual, std::isnan(actual), true, "NaN");
    else
      differences.compare(actual, oracle::to_bits(actual), oracle::to_bits(expected));
  }
  CHECK(differences.report() == "");
}

template <class E>
void compare_fp8(__nv_fp8_interpretation_t kind) {
  const std::vector<float> in = inputs<E>();
  compare(
      in, [](float x) { return E::encode(x); },
      [=](float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, kind); });
  compare(
      in, [](float x) { return E::encode(x, nearest, nvq::Overflow::special); },
      [=](float x) { return __nv_cvt_float_to_fp8(x, __NV_NOSAT, kind); });
  compare_decoding<E>([=](std::uint8_t c) { return value(__nv_cvt_fp8_to_halfraw(c, kind)); });
}

template <class E>
void compare_fp6(__nv_fp6_interpretation_t kind) {
  const std::vector<float> in = inputs<E>();
  compare(
      in, [](float x) { return E::encode(x); },
      [=](float x) { return __nv_cvt_float_to_fp6(x, kind, cudaRoundNearest); });
  compare(
      in, [](float x) { return E::encode(x, toward_zero); },
      [=](float x) { return __nv_cvt_float_to_fp6(x, kind, cudaRoundZero); });
  compare_decoding<E>([=](std::uint8_t c) { return value(__nv_cvt_fp6_to_halfraw(c, kind)); });
}

}  // namespace

TEST_CASE("E4M3 equals cuda_fp8.h", "[element][cuda-headers]") { compare_fp8<nvq::E4M3>(__NV_E4M3); }
TEST_CASE("E5M2 equals cuda_fp8.h", "[element][cuda-headers]") { compare_fp8<nvq::E5M2>(__NV_E5M2); }
TEST_CASE("E2M3 equals cuda_fp6.h", "[element][cuda-headers]") { compare_fp6<nvq::E2M3>(__NV_E2M3); }
TEST_CASE("E3M2 equals cuda_fp6.h", "[element][cuda-headers]") { compare_fp6<nvq::E3M2>(__NV_E3M2); }

TEST_CASE("E2M1 equals cuda_fp4.h", "[element][cuda-headers]") {
  const std::vector<float> in = inputs<nvq::E2M1>();
  compare(
      in, [](float x) { return nvq::E2M1::encode(x); },
      [](float x) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, cudaRoundNearest); });
  compare(
      in, [](float x) { return nvq::E2M1::encode(x, toward_zero); },
      [](float x) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, cudaRoundZero); });
  compare_decoding<nvq::E2M1>([](std::uint8_t c) { return value(__nv_cvt_fp4_to_halfraw(c, __NV_E2M1)); });
}

TEST_CASE("E8M0 equals cuda_fp8.h", "[element][cuda-headers]") {
  std::vector<float> in = oracle::all_16_bit_inputs();
  for (int e = -149; e < 128; ++e)
    for (const float x :
         {std::nextafter(nvq::exp2i(e), 0.0f), std::nextafter(nvq::exp2i(e), nvq::infinity())})
      in.push_back(x);
  const struct {
    nvq::Rounding rounding;
    cudaRoundMode cuda;
  } modes[] = {{toward_zero, cudaRoundZero}, {nvq::Rounding::away_from_zero, cudaRoundPosInf}};
  for (const auto& mode : modes) {
    compare(
        in, [&](float x) { return nvq::E8M0::encode(x, mode.rounding); },
        [&](float x) { return __nv_cvt_float_to_e8m0(x, __NV_SATFINITE, mode.cuda); });
    compare(
        in, [&](float x) { return nvq::E8M0::encode(x, mode.rounding, nvq::Overflow::special); },
        [&](float x) { return __nv_cvt_float_to_e8m0(x, __NV_NOSAT, mode.cuda); });
  }
  compare_decoding<nvq::E8M0>(
      [](std::uint8_t c) { return __bfloat162float(__nv_bfloat16(__nv_cvt_e8m0_to_bf16raw(c))); });
}

TEST_CASE("half and bfloat16 equal the CUDA Toolkit's, but for the bits of NaN", "[float16][cuda-headers]") {
  // CUDA makes every NaN 0x7FFF; nvq keeps the sign and sets the quiet bit only, as IEEE 754 hardware does.
  std::vector<float> in = oracle::all_16_bit_inputs();
  for (const auto* spec : {&oracle::half_spec(), &oracle::bfloat16_spec()})
    for (const float x : oracle::inputs_around(oracle::FloatElement(*spec).line())) in.push_back(x);
  oracle::Differences differences;
  for (const float x : in) {
    if (std::isnan(x)) continue;
    differences.compare(x, nvq::half(x).bits, __half_raw(__float2half_rn(x)).x, "half");
    differences.compare(x, nvq::bfloat16(x).bits, __nv_bfloat16_raw(__float2bfloat16_rn(x)).x, "bfloat16");
  }
  for (unsigned code = 0; code < 65536; ++code) {
    const auto bits = static_cast<std::uint16_t>(code);
    __half_raw h;
    h.x = bits;
    const float actual = static_cast<float>(nvq::half::from_bits(bits)), expected = value(h);
    if (!std::isnan(expected))
      differences.compare(actual, oracle::to_bits(actual), oracle::to_bits(expected), "half");
  }
  CHECK(differences.report() == "");
}

#else

TEST_CASE("elements equal the CUDA Toolkit's headers", "[element][cuda-headers]") {
  NVQ_SKIP("cuda-headers", "the CUDA Toolkit's headers were not found");
}

#endif
