// SPDX-License-Identifier: Apache-2.0
// Constants and the value of every code.

#include <cmath>
#include <string>

#include "elements.hpp"

TEMPLATE_TEST_CASE("an element has the constants of its specification", "[element]", UNIT_FLOAT_ELEMENTS) {
  const unit::Literal want = unit::literal<TestType>();
  CHECK(std::string(TestType::name()) == want.name);
  CHECK(+TestType::bits == want.bits);
  CHECK(static_cast<double>(TestType::largest()) == want.largest);
  CHECK(static_cast<double>(TestType::lowest()) == (want.spec.is_signed ? -want.largest : 0.0));
  CHECK(static_cast<double>(TestType::min_normal()) == want.min_normal);
  CHECK(static_cast<double>(TestType::min_positive()) == want.min_positive);
  CHECK(TestType::max_code() == want.largest_code);
  CHECK(TestType::nan_code() == want.spec.nan_code);
  CHECK(TestType::max_exponent() == want.max_exponent);
  CHECK(+TestType::is_signed == want.spec.is_signed);
  CHECK(+TestType::has_nan == (want.nans > 0));
  CHECK(+TestType::has_infinity == (want.infinities > 0));
  CHECK(+TestType::exponent_bits == want.spec.exponent_bits);
  CHECK(+TestType::mantissa_bits == want.spec.mantissa_bits);
  CHECK(+TestType::bias == want.spec.bias);
}

TEMPLATE_TEST_CASE("every code decodes to its textbook value", "[element]", UNIT_FLOAT_ELEMENTS) {
  const unit::Literal want = unit::literal<TestType>();
  int nans = 0, infinities = 0;
  double largest = 0;
  for (unsigned code = 0; code < (1u << want.bits); ++code) {
    const float actual = TestType::decode(static_cast<std::uint8_t>(code));
    const double expected = oracle::value_of(want.spec, code);
    CAPTURE(code, actual, expected);
    nans += std::isnan(actual);
    infinities += std::isinf(actual);
    if (std::isnan(expected)) {
      CHECK(std::isnan(actual));
      continue;
    }
    CHECK(static_cast<double>(actual) == expected);
    CHECK(std::signbit(actual) == std::signbit(expected));
    if (std::isfinite(expected)) largest = std::max(largest, expected);
  }
  CHECK(nans == want.nans);
  CHECK(infinities == want.infinities);
  CHECK(largest == want.largest);
}

TEST_CASE("the values of E2M1, one by one", "[element]") {
  const float values[16] = {0.0f,  0.5f,  1.0f,  1.5f,  2.0f,  3.0f,  4.0f,  6.0f,
                            -0.0f, -0.5f, -1.0f, -1.5f, -2.0f, -3.0f, -4.0f, -6.0f};
  for (unsigned code = 0; code < 16; ++code) {
    CHECK(nvq::E2M1::decode(static_cast<std::uint8_t>(code)) == values[code]);
    CHECK(nvq::E2M1::encode(values[code]) == code);
  }
}

TEMPLATE_TEST_CASE("bits above the element are ignored", "[element]", nvq::E2M1, nvq::E2M3, nvq::E3M2,
                   nvq::UE4M3, unit::E3M0, nvq::Int4, nvq::UInt4, nvq::NormalFloat4) {
  for (unsigned code = 0; code < 256; ++code) {
    const auto low = static_cast<std::uint8_t>(code & ((1u << TestType::bits) - 1));
    CHECK((TestType::decode(static_cast<std::uint8_t>(code)) == TestType::decode(low) ||
           std::isnan(TestType::decode(low))));
  }
}
