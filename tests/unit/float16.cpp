// SPDX-License-Identifier: Apache-2.0
// half and bfloat16 against brute force.

#include <cmath>
#include <nvq/float16.hpp>

#include "elements.hpp"

namespace {

template <class T>
void check_decoding(const oracle::FloatSpec& spec) {
  oracle::Differences differences;
  for (unsigned code = 0; code < 65536; ++code) {
    const float actual = static_cast<float>(T::from_bits(static_cast<std::uint16_t>(code)));
    const double expected = oracle::value_of(spec, code);
    if (std::isnan(expected))
      differences.compare(actual, std::isnan(actual), true, "NaN");
    else
      differences.compare(actual, oracle::to_bits(actual), oracle::to_bits(static_cast<float>(expected)));
  }
  CHECK(differences.report() == "");
}

template <class T>
void check_encoding(const oracle::FloatSpec& spec) {
  const oracle::FloatElement element(spec);
  std::vector<float> inputs = oracle::inputs_around(element.line());
  oracle::Lcg random(3);
  for (int i = 0; i < 3000000; ++i) inputs.push_back(oracle::from_bits(random.bits()));
  oracle::Differences differences;
  for (const float x : inputs) {
    // NaN keeps its sign here, which elements do not.
    const unsigned nan_sign = std::isnan(x) && std::signbit(x) ? 0x8000u : 0u;
    differences.compare(
        x, T(x).bits, element.encode(static_cast<double>(x), oracle::Round::nearest_even, false) | nan_sign);
  }
  CHECK(differences.report() == "");
}

}  // namespace

TEST_CASE("every half decodes to its value", "[float16]") { check_decoding<nvq::half>(oracle::half_spec()); }
TEST_CASE("every bfloat16 decodes to its value", "[float16]") {
  check_decoding<nvq::bfloat16>(oracle::bfloat16_spec());
}
TEST_CASE("floats round to the nearest half, ties to even", "[float16]") {
  check_encoding<nvq::half>(oracle::half_spec());
}
TEST_CASE("floats round to the nearest bfloat16, ties to even", "[float16]") {
  check_encoding<nvq::bfloat16>(oracle::bfloat16_spec());
}

TEST_CASE("16-bit floats, worked by hand", "[float16]") {
  CHECK(nvq::half(1.0f).bits == 0x3C00);
  CHECK(nvq::half(-2.0f).bits == 0xC000);
  CHECK(nvq::half(65504.0f).bits == 0x7BFF);
  CHECK(nvq::half(65519.0f).bits == 0x7BFF);
  CHECK(nvq::half(65520.0f).bits == 0x7C00);
  CHECK(nvq::half(nvq::exp2i(-24)).bits == 0x0001);
  CHECK(nvq::half(nvq::exp2i(-25)).bits == 0x0000);
  CHECK(nvq::half(-0.0f).bits == 0x8000);
  CHECK(nvq::half(nvq::quiet_nan()).bits == 0x7E00);
  CHECK(nvq::bfloat16(1.0f).bits == 0x3F80);
  CHECK(nvq::bfloat16(nvq::float_from_bits(0x3F808000u)).bits == 0x3F80);
  CHECK(nvq::bfloat16(nvq::float_from_bits(0x3F818000u)).bits == 0x3F82);
  CHECK(nvq::bfloat16(nvq::float_max()).bits == 0x7F80);
  CHECK(nvq::bfloat16(nvq::float_from_bits(0xFF800001u)).bits == 0xFFC0);
  CHECK(nvq::to_float(nvq::half::from_bits(0x3555)) == 0.333251953125f);
  CHECK(nvq::to_float(nvq::bfloat16::from_bits(0x4049)) == 3.140625f);
  CHECK(nvq::to_float(0.1f) == 0.1f);
}
