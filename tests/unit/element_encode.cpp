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
