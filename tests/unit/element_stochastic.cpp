// SPDX-License-Identifier: Apache-2.0
// Stochastic rounding: exact probabilities, not samples of them.

#include <cmath>
#include <nvq/random.hpp>

#include "elements.hpp"

TEMPLATE_TEST_CASE("a random word below the threshold rounds up, the next one does not", "[element]",
                   UNIT_FLOAT_ELEMENTS) {
  const oracle::FloatElement element(unit::literal<TestType>().spec);
  std::vector<float> inputs = oracle::inputs_around(element.line());
  for (const float x : oracle::all_16_bit_inputs()) inputs.push_back(x);
  for (const bool saturate : {true, false}) {
    const auto overflow = saturate ? nvq::Overflow::saturate : nvq::Overflow::special;
    oracle::Differences differences;
    for (const float x : inputs) {
      const double v = static_cast<double>(x);
      std::vector<std::uint32_t> words = {0u, 1u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFFu};
      if (std::fabs(v) < element.line().beyond) {
        const double t = std::ceil(element.threshold(v));
        if (t >= 1.0) words.push_back(static_cast<std::uint32_t>(t - 1));
        if (t <= 4294967295.0) words.push_back(static_cast<std::uint32_t>(t));
      }
      for (const std::uint32_t word : words)
        differences.compare(x, TestType::encode_stochastic(x, word, overflow),
                            element.encode_stochastic(v, word, saturate));
    }
    CHECK(differences.report() == "");
  }
}

TEST_CASE("stochastic thresholds, worked by hand", "[element]") {
  // 2.25 is a quarter of the way from 2 to 3.
  CHECK(nvq::E2M1::encode_stochastic(2.25f, 0x3FFFFFFFu) == 0x5);
  CHECK(nvq::E2M1::encode_stochastic(2.25f, 0x40000000u) == 0x4);
  CHECK(nvq::E2M1::encode_stochastic(-2.25f, 0x3FFFFFFFu) == 0xD);
  CHECK(nvq::E2M1::encode_stochastic(-2.25f, 0x40000000u) == 0xC);
  // 5 is half-way from 4 to 6.
  CHECK(nvq::E2M1::encode_stochastic(5.0f, 0x7FFFFFFFu) == 0x7);
  CHECK(nvq::E2M1::encode_stochastic(5.0f, 0x80000000u) == 0x6);
  // 2^-20 is 2^-11 of the way from 0 to 2^-9.
  CHECK(nvq::E4M3::encode_stochastic(nvq::exp2i(-20), (1u << 21) - 1) == 0x01);
  CHECK(nvq::E4M3::encode_stochastic(nvq::exp2i(-20), 1u << 21) == 0x00);
  // However small, a value that is not zero goes up for the smallest random word.
  CHECK(nvq::E4M3::encode_stochastic(nvq::exp2i(-149), 0) == 0x01);
  CHECK(nvq::E4M3::encode_stochastic(nvq::exp2i(-149), 1) == 0x00);
  CHECK(nvq::E4M3::encode_stochastic(0.0f, 0) == 0x00);
  // 449 is 1/32 of the way from 448 to 480, which overflows.
  CHECK(nvq::E4M3::encode_stochastic(449.0f, 0x07FFFFFFu, nvq::Overflow::special) == 0x7F);
  CHECK(nvq::E4M3::encode_stochastic(449.0f, 0x08000000u, nvq::Overflow::special) == 0x7E);
  CHECK(nvq::E4M3::encode_stochastic(449.0f, 0, nvq::Overflow::saturate) == 0x7E);
  // Integers round towards the next integer above, also negative ones.
  CHECK(nvq::Int8::encode_stochastic(2.25f, 0x3FFFFFFFu) == 3);
  CHECK(nvq::Int8::encode_stochastic(2.25f, 0x40000000u) == 2);
  CHECK(nvq::Int8::encode_stochastic(-2.25f, 0xBFFFFFFFu) == 0xFE);
  CHECK(nvq::Int8::encode_stochastic(-2.25f, 0xC0000000u) == 0xFD);
  CHECK(nvq::Int4::encode_stochastic(-7.5f, 0x7FFFFFFFu) == 0x9);
  CHECK(nvq::Int4::encode_stochastic(-7.5f, 0x80000000u) == 0x8);
}

TEMPLATE_TEST_CASE("values of the grid never move", "[element]", nvq::E2M1, nvq::E2M3, nvq::E3M2, nvq::E4M3,
                   nvq::E5M2, nvq::UE4M3, nvq::Int4, nvq::Int8) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code) {
    const float x = TestType::decode(static_cast<std::uint8_t>(code));
    if (!std::isfinite(x)) continue;
    for (const std::uint32_t word : {0u, 1u, 0x80000000u, 0xFFFFFFFFu})
      CHECK(TestType::encode_stochastic(x, word) == code);
  }
}

TEMPLATE_TEST_CASE("the mean of many draws is the value", "[element]", nvq::E2M1, nvq::E3M2, nvq::E4M3,
                   nvq::Int4) {
  constexpr int draws = 1 << 16;
  for (const float x : {0.3f, 0.9f, 2.1f, -1.26f, 4.9f, -5.01f}) {
    double sum = 0, squares = 0;
    for (int i = 0; i < draws; ++i) {
      const double y = static_cast<double>(TestType::decode(
          TestType::encode_stochastic(x, nvq::random_bits(11, static_cast<std::uint64_t>(i)))));
      sum += y;
      squares += y * y;
    }
    const double mean = sum / draws, sigma = std::sqrt((squares / draws - mean * mean) / draws);
    CAPTURE(x, mean, sigma);
    CHECK(std::fabs(mean - static_cast<double>(x)) <= 4 * sigma);
    CHECK(sigma > 0);
  }
}

TEST_CASE("Int stochastic rounding equals floor and ceiling with exact probabilities", "[element]") {
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs()) {
    if (std::isnan(x)) continue;
    const double v = std::min(std::max(static_cast<double>(x), -128.0), 127.0), floor = std::floor(v);
    const double threshold = std::ceil((v - floor) * 4294967296.0);
    const auto code = [](double value) { return static_cast<unsigned>(static_cast<int>(value)) & 0xFFu; };
    if (threshold >= 1.0)
      differences.compare(x, nvq::Int8::encode_stochastic(x, static_cast<std::uint32_t>(threshold - 1)),
                          code(floor + 1));
    if (threshold <= 4294967295.0)
      differences.compare(x, nvq::Int8::encode_stochastic(x, static_cast<std::uint32_t>(threshold)),
                          code(floor));
  }
  CHECK(differences.report() == "");
}
