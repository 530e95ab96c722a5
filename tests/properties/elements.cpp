// SPDX-License-Identifier: Apache-2.0
// What holds for every element.

#include <algorithm>
#include <cmath>

#include "reference.hpp"

namespace {

/// Every 16-bit input that is a number, ascending.
const std::vector<float>& ascending() {
  static const std::vector<float> inputs = [] {
    std::vector<float> v;
    for (const float x : oracle::all_16_bit_inputs())
      if (!std::isnan(x)) v.push_back(x);
    std::sort(v.begin(), v.end());
    return v;
  }();
  return inputs;
}

template <class E, class Encode>
bool monotone(Encode encode) {
  float previous = -nvq::infinity();
  for (const float x : ascending()) {
    const float y = E::decode(encode(x));
    if (!(y >= previous)) return false;
    previous = y;
  }
  return true;
}

}  // namespace

#define ALL_ELEMENTS                                                                               \
  nvq::E2M1, nvq::E2M3, nvq::E3M2, nvq::E4M3, nvq::E5M2, nvq::E4M3FNUZ, nvq::E5M2FNUZ, nvq::UE4M3, \
      nvq::Int4, nvq::Int8, nvq::UInt4, nvq::NormalFloat4
#define FLOAT_ELEMENTS \
  nvq::E2M1, nvq::E2M3, nvq::E3M2, nvq::E4M3, nvq::E5M2, nvq::E4M3FNUZ, nvq::E5M2FNUZ, nvq::UE4M3

TEMPLATE_TEST_CASE("a larger input never gets a smaller value", "[properties]", ALL_ELEMENTS) {
  CHECK(monotone<TestType>([](float x) { return TestType::encode(x); }));
}

TEMPLATE_TEST_CASE("every rounding is monotone", "[properties]", FLOAT_ELEMENTS) {
  CHECK(monotone<TestType>([](float x) { return TestType::encode(x, nvq::Rounding::toward_zero); }));
  CHECK(monotone<TestType>([](float x) { return TestType::encode(x, nvq::Rounding::away_from_zero); }));
  for (const std::uint32_t word : {0u, 0x12345678u, 0x80000000u, 0xFFFFFFFFu})
    CHECK(monotone<TestType>([=](float x) { return TestType::encode_stochastic(x, word); }));
}

TEMPLATE_TEST_CASE("decoded values are encoded to their codes", "[properties]", ALL_ELEMENTS) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code) {
    const float x = TestType::decode(static_cast<std::uint8_t>(code));
    CAPTURE(code, x);
    if (std::isfinite(x)) CHECK(TestType::encode(x) == code);
  }
}

TEMPLATE_TEST_CASE("largest and lowest bound every value", "[properties]", ALL_ELEMENTS) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code) {
    const float x = TestType::decode(static_cast<std::uint8_t>(code));
    if (!std::isfinite(x)) continue;
    CHECK(x <= TestType::largest());
    CHECK(x >= TestType::lowest());
  }
  CHECK(TestType::decode(TestType::encode(nvq::infinity())) == TestType::largest());
  CHECK(TestType::decode(TestType::encode(-nvq::infinity())) == TestType::lowest());
}

TEMPLATE_TEST_CASE("the negative of an input gets the negative of its value", "[properties]", nvq::E2M1,
                   nvq::E2M3, nvq::E3M2, nvq::E4M3, nvq::E5M2, nvq::E4M3FNUZ, nvq::E5M2FNUZ) {
  for (const float x : ascending())
    if (TestType::decode(TestType::encode(-x)) != -TestType::decode(TestType::encode(x))) FAIL(x);
}
