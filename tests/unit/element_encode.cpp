// SPDX-License-Identifier: Apache-2.0
// Encoding against brute force: every 16-bit input, and every boundary with its neighbouring floats.

#include "elements.hpp"

namespace {

struct Mode {
  nvq::Rounding rounding;
  oracle::Round oracle;
  const char* name;
};
constexpr Mode modes[] = {
    {nvq::Rounding::nearest_even, oracle::Round::nearest_even, "nearest"},
    {nvq::Rounding::toward_zero, oracle::Round::toward_zero, "toward zero"},
    {nvq::Rounding::away_from_zero, oracle::Round::away_from_zero, "away from zero"},
};

template <class E>
void compare(const oracle::FloatElement& element, const std::vector<float>& inputs) {
  for (const Mode& mode : modes)
    for (const bool saturate : {true, false}) {
      oracle::Differences differences;
      for (const float x : inputs)
        differences.compare(
            x, E::encode(x, mode.rounding, saturate ? nvq::Overflow::saturate : nvq::Overflow::special),
            element.encode(static_cast<double>(x), mode.oracle, saturate));
      INFO(mode.name << (saturate ? ", saturating" : ", to specials"));
      CHECK(differences.report() == "");
    }
}

}  // namespace

TEMPLATE_TEST_CASE("every 16-bit input encodes as brute force does", "[element]", UNIT_FLOAT_ELEMENTS) {
  compare<TestType>(oracle::FloatElement(unit::literal<TestType>().spec), oracle::all_16_bit_inputs());
}

TEMPLATE_TEST_CASE("floats around every boundary encode as brute force does", "[element]",
                   UNIT_FLOAT_ELEMENTS) {
  const oracle::FloatElement element(unit::literal<TestType>().spec);
  compare<TestType>(element, oracle::inputs_around(element.line()));
}

TEMPLATE_TEST_CASE("random floats of every exponent encode as brute force does", "[element]",
                   UNIT_FLOAT_ELEMENTS) {
  oracle::Lcg random(7);
  std::vector<float> inputs;
  for (int i = 0; i < 200000; ++i) inputs.push_back(oracle::from_bits(random.bits()));
  compare<TestType>(oracle::FloatElement(unit::literal<TestType>().spec), inputs);
}

TEMPLATE_TEST_CASE("the default is to nearest, saturating", "[element]", UNIT_FLOAT_ELEMENTS) {
  const oracle::FloatElement element(unit::literal<TestType>().spec);
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs())
    differences.compare(x, TestType::encode(x), element.encode(static_cast<double>(x)));
  CHECK(differences.report() == "");
}

TEST_CASE("ties go to the even code", "[element]") {
  CHECK(nvq::E2M1::encode(0.25f) == 0x0);
  CHECK(nvq::E2M1::encode(0.75f) == 0x2);
  CHECK(nvq::E2M1::encode(1.25f) == 0x2);
  CHECK(nvq::E2M1::encode(1.75f) == 0x4);
  CHECK(nvq::E2M1::encode(2.5f) == 0x4);
  CHECK(nvq::E2M1::encode(3.5f) == 0x6);
  CHECK(nvq::E2M1::encode(5.0f) == 0x6);
  CHECK(nvq::E2M1::encode(-5.0f) == 0xE);
  CHECK(nvq::E4M3::encode(464.0f, nvq::Rounding::nearest_even, nvq::Overflow::special) == 0x7E);
  CHECK(nvq::E4M3::encode(0.0009765625f) == 0x00);
  CHECK(nvq::E4M3::encode(0.0029296875f) == 0x02);
  CHECK(nvq::E5M2::encode(61440.0f, nvq::Rounding::nearest_even, nvq::Overflow::special) == 0x7C);
}

TEMPLATE_TEST_CASE("rounding by one addition, as on devices, is the same", "[element]", nvq::E2M1, nvq::E2M3,
                   nvq::E3M2, nvq::E4M3, nvq::E5M2, (nvq::Float<3, 1, nvq::Specials::none, 9>),
                   (nvq::Float<2, 3, nvq::Specials::ieee>)) {
  using E = TestType;
  using codec = nvq::detail::minifloat<E::exponent_bits, E::mantissa_bits,
                                       E::has_infinity ? nvq::Specials::ieee
                                       : E::has_nan    ? nvq::Specials::nan_only
                                                       : nvq::Specials::none,
                                       E::bias, true>;
  std::vector<float> inputs = oracle::all_16_bit_inputs();
  // Every value of the element, the midpoints, and the floats next to them.
  for (unsigned code = 0; code + 1 < 1u << E::bits; ++code)
    for (const float weight : {0.0f, 0.5f}) {
      const float a = E::decode(static_cast<std::uint8_t>(code)),
                  b = E::decode(static_cast<std::uint8_t>(code + 1));
      const std::uint32_t bits = nvq::float_bits(a + (b - a) * weight);
      for (std::uint32_t d = 0; d < 7; ++d) inputs.push_back(nvq::float_from_bits(bits + d - 3));
    }
  oracle::Lcg random(8);
  for (int i = 0; i < 200000; ++i) inputs.push_back(oracle::from_bits(random.bits()));
  long wrong = 0;
  for (const float x : inputs)
    wrong += codec::encode_by_addition(x) !=
             codec::encode(x, nvq::Rounding::nearest_even, nvq::Overflow::saturate);
  CHECK(wrong == 0);
}

TEST_CASE("NF4 by choices between thresholds, as on devices, is the same", "[element]") {
  std::vector<float> inputs = oracle::all_16_bit_inputs();
  for (unsigned i = 0; i < 15; ++i)
    for (std::uint32_t d = 0; d < 5; ++d)
      inputs.push_back(nvq::float_from_bits(nvq::float_bits(nvq::detail::nf4_threshold(i)) + d - 2));
  long wrong = 0;
  for (const float x : inputs) wrong += nvq::detail::nf4_code_by_choices(x) != nvq::NormalFloat4::encode(x);
  CHECK(wrong == 0);
}
