// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nvq/arithmetic.hpp>

#include "../oracle/differences.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

TEST_CASE("exp2i is the power of two", "[arithmetic]") {
  for (int e = -149; e <= 127; ++e) CHECK(static_cast<double>(nvq::exp2i(e)) == std::ldexp(1.0, e));
}

TEST_CASE("classification of every 16-bit pattern", "[arithmetic]") {
  for (const float x : oracle::all_16_bit_inputs()) {
    const bool same = nvq::is_nan(x) == std::isnan(x) && nvq::is_finite(x) == std::isfinite(x) &&
                      nvq::sign_bit(x) == std::signbit(x) &&
                      nvq::float_bits(nvq::abs(x)) == (oracle::to_bits(x) & 0x7FFFFFFFu);
    if (!same) FAIL("differs for 0x" << std::hex << oracle::to_bits(x));
  }
}

TEST_CASE("round_even is rounding to nearest even", "[arithmetic]") {
  std::vector<float> inputs = oracle::all_16_bit_inputs();
  oracle::Lcg random(5);
  for (int i = 0; i < 500000; ++i) inputs.push_back(oracle::from_bits(random.bits()));
  for (int i = -2000; i < 2000; ++i) {
    const float tie = static_cast<float>(i) + 0.5f;
    for (const float x : {std::nextafter(tie, -1e9f), tie, std::nextafter(tie, 1e9f)}) inputs.push_back(x);
  }
  for (const float x : {8388607.5f, 8388608.0f, 8388609.0f, 16777215.0f, 4194303.5f, 4194304.5f})
    inputs.push_back(x);
  oracle::Differences differences;
  for (const float x : inputs)
    if (!std::isnan(x))  // std::nearbyint rounds to even in the default mode
      differences.compare(x, oracle::to_bits(nvq::round_even(x)), oracle::to_bits(std::nearbyint(x)));
  CHECK(differences.report() == "");
  CHECK(std::isnan(nvq::round_even(nvq::quiet_nan())));
}

TEST_CASE("single operations are IEEE's", "[arithmetic]") {
  oracle::Lcg random(9);
  oracle::Differences differences;
  for (int i = 0; i < 300000; ++i) {
    const float a = oracle::from_bits(random.bits()), b = oracle::from_bits(random.bits());
    // Products, sums and quotients of floats rounded from double are rounded correctly (Figueroa 1995) where
    // the result is normal.
    const double x = static_cast<double>(a), y = static_cast<double>(b);
    const auto check = [&](float actual, double exact) {
      const float expected = static_cast<float>(exact);
      if (std::isnan(expected))
        differences.compare(a, std::isnan(actual), true, "NaN");
      else if (std::fabs(exact) >= 1.2e-38)
        differences.compare(a, oracle::to_bits(actual), oracle::to_bits(expected));
    };
    check(nvq::mul_rn(a, b), x * y);
    check(nvq::add_rn(a, b), x + y);
    check(nvq::sub_rn(a, b), x - y);
    if (b != 0.0f) check(nvq::div_rn(a, b), x / y);
  }
  CHECK(differences.report() == "");
}

TEST_CASE("division by zero is IEEE's", "[arithmetic]") {
  const float inf = nvq::infinity();
  CHECK(nvq::div_rn(1.0f, 0.0f) == inf);
  CHECK(nvq::div_rn(-1.0f, 0.0f) == -inf);
  CHECK(nvq::div_rn(1.0f, -0.0f) == -inf);
  CHECK(nvq::div_rn(inf, -0.0f) == -inf);
  CHECK(std::isnan(nvq::div_rn(0.0f, 0.0f)));
  CHECK(std::isnan(nvq::div_rn(nvq::quiet_nan(), 0.0f)));
}

namespace {

float product_less(float a, float b, float c) { return nvq::sub_rn(nvq::mul_rn(a, b), c); }
float product_plus(float a, float b, float c) { return nvq::add_rn(nvq::mul_rn(a, b), c); }
float less_product(float a, float b, float c) { return nvq::sub_rn(c, nvq::mul_rn(a, b)); }

}  // namespace

TEST_CASE("products are not fused with the sums that take them", "[arithmetic]") {
  // 1 + 2^-12 squared less its rounded self: 0 when rounded twice, 2^-24 when fused. Called through pointers, so
  // that the compiler knows neither the values nor the other calls.
  float (*volatile less)(float, float, float) = product_less;
  float (*volatile plus)(float, float, float) = product_plus;
  float (*volatile from)(float, float, float) = less_product;
  const float x = 1.0f + nvq::exp2i(-12), rounded = 1.0f + nvq::exp2i(-11);
  CHECK(less(x, x, rounded) == 0.0f);
  CHECK(plus(x, x, -rounded) == 0.0f);
  CHECK(from(x, x, rounded) == 0.0f);
}

TEST_CASE("clamp, minimum and maximum", "[arithmetic]") {
  CHECK(nvq::clamp(5.0f, -1.0f, 1.0f) == 1.0f);
  CHECK(nvq::clamp(-5.0f, -1.0f, 1.0f) == -1.0f);
  CHECK(nvq::clamp(0.5f, -1.0f, 1.0f) == 0.5f);
  CHECK(std::isnan(nvq::clamp(nvq::quiet_nan(), -1.0f, 1.0f)));
  CHECK(nvq::min_of(1.0f, 2.0f) == 1.0f);
  CHECK(nvq::min_of(2.0f, 1.0f) == 1.0f);
  CHECK(nvq::max_of(1.0f, 2.0f) == 2.0f);
  CHECK(nvq::max_of(2.0f, 1.0f) == 2.0f);
}

TEST_CASE("rcp_approx_ftz flushes subnormals", "[arithmetic]") {
  CHECK(nvq::rcp_approx_ftz(4.0f) == 0.25f);
  CHECK(nvq::rcp_approx_ftz(nvq::exp2i(-127)) == nvq::infinity());
  CHECK(nvq::rcp_approx_ftz(-nvq::exp2i(-127)) == -nvq::infinity());
  CHECK(nvq::rcp_approx_ftz(nvq::exp2i(-126)) == nvq::exp2i(126));
  CHECK(oracle::to_bits(nvq::rcp_approx_ftz(-nvq::exp2i(127))) == 0x80000000u);
  CHECK(nvq::rcp_approx_ftz(nvq::infinity()) == 0.0f);
  CHECK(std::isnan(nvq::rcp_approx_ftz(nvq::quiet_nan())));
}
