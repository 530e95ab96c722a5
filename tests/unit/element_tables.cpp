// SPDX-License-Identifier: Apache-2.0
// The elements that are not floating-point numbers: integers, NF4, E8M0.

#include <cmath>
#include <string>

#include "elements.hpp"

TEMPLATE_TEST_CASE("signed integers are two's complement, nearest even, clamped", "[element]", nvq::Int<2>,
                   nvq::Int<3>, nvq::Int4, nvq::Int<5>, nvq::Int<7>, nvq::Int8) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code)
    CHECK(static_cast<double>(TestType::decode(static_cast<std::uint8_t>(code))) ==
          oracle::integer_value(TestType::bits, true, code));
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs())
    differences.compare(x, TestType::encode(x),
                        oracle::encode_integer(TestType::bits, true, static_cast<double>(x)));
  CHECK(differences.report() == "");
}

TEMPLATE_TEST_CASE("unsigned integers, nearest even, clamped", "[element]", nvq::UInt<2>, nvq::UInt4,
                   nvq::UInt<6>, nvq::UInt<8>) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code)
    CHECK(static_cast<double>(TestType::decode(static_cast<std::uint8_t>(code))) ==
          oracle::integer_value(TestType::bits, false, code));
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs())
    differences.compare(x, TestType::encode(x),
                        oracle::encode_integer(TestType::bits, false, static_cast<double>(x)));
  CHECK(differences.report() == "");
}

TEST_CASE("constants of the integer elements", "[element]") {
  CHECK(nvq::Int4::largest() == 7.0f);
  CHECK(nvq::Int4::lowest() == -8.0f);
  CHECK(nvq::Int8::largest() == 127.0f);
  CHECK(nvq::Int8::lowest() == -128.0f);
  CHECK(nvq::UInt4::largest() == 15.0f);
  CHECK(nvq::UInt4::lowest() == 0.0f);
  CHECK(std::string(nvq::Int4::name()) == "Int4");
  CHECK(std::string(nvq::Int8::name()) == "Int8");
  CHECK(std::string(nvq::UInt4::name()) == "UInt4");
}

TEST_CASE("integers round ties to even", "[element]") {
  CHECK(nvq::Int8::encode(0.5f) == 0);
  CHECK(nvq::Int8::encode(1.5f) == 2);
  CHECK(nvq::Int8::encode(-2.5f) == 0xFE);
  CHECK(nvq::Int8::encode(126.5f) == 126);
  CHECK(nvq::Int8::encode(127.5f) == 127);
  CHECK(nvq::Int8::encode(-128.5f) == 0x80);
  CHECK(nvq::Int4::encode(6.5f) == 6);
  CHECK(nvq::Int4::encode(-7.5f) == 0x8);
}

namespace {

// QLoRA (arXiv 2305.14314), appendix E.
const double nf4_table[16] = {-1.0,
                              -0.6961928009986877,
                              -0.5250730514526367,
                              -0.39491748809814453,
                              -0.28444138169288635,
                              -0.18477343022823334,
                              -0.09105003625154495,
                              0.0,
                              0.07958029955625534,
                              0.16093020141124725,
                              0.24611230194568634,
                              0.33791524171829224,
                              0.44070982933044434,
                              0.5626170039176941,
                              0.7229568362236023,
                              1.0};

// The constants of bitsandbytes' CUDA kernels (csrc, dQuantizeNF4): code i + 1 is chosen above threshold i.
const float nf4_kernel_threshold[15] = {-0.8480964004993439f,   -0.6106329262256622f,  -0.4599952697753906f,
                                        -0.33967943489551544f,  -0.23460740596055984f, -0.13791173323988914f,
                                        -0.045525018125772476f, 0.03979014977812767f,  0.1202552504837513f,
                                        0.2035212516784668f,    0.2920137718319893f,   0.3893125355243683f,
                                        0.5016634166240692f,    0.6427869200706482f,   0.8614784181118011f};

}  // namespace

TEST_CASE("NF4 has the table of QLoRA", "[element]") {
  for (unsigned code = 0; code < 16; ++code)
    CHECK(nvq::NormalFloat4::decode(static_cast<std::uint8_t>(code)) == static_cast<float>(nf4_table[code]));
  CHECK(std::string(nvq::NormalFloat4::name()) == "NF4");
  CHECK(nvq::NormalFloat4::largest() == 1.0f);
  CHECK(nvq::NormalFloat4::lowest() == -1.0f);
}

TEST_CASE("NF4 changes code half-way between entries, in float", "[element]") {
  for (unsigned i = 0; i < 15; ++i) {
    const float middle = (static_cast<float>(nf4_table[i]) + static_cast<float>(nf4_table[i + 1])) / 2;
    CHECK(nvq::NormalFloat4::encode(middle) == i);
    CHECK(nvq::NormalFloat4::encode(std::nextafter(middle, 2.0f)) == i + 1);
    // The kernels' constant is that float or the one beside it.
    const bool same =
        nf4_kernel_threshold[i] == middle || std::nextafter(nf4_kernel_threshold[i], middle) == middle;
    CHECK(same);
  }
}

TEST_CASE("NF4 is the nearest entry but for one float in a million beside a midpoint", "[element]") {
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs()) {
    if (std::isnan(x)) continue;
    const double v = std::min(std::max(static_cast<double>(x), -2.0), 2.0);
    unsigned best = 0;
    bool near_midpoint = false;
    for (unsigned code = 1; code < 16; ++code) {
      const double middle = (nf4_table[code - 1] + nf4_table[code]) / 2;
      if (v > middle) best = code;
      near_midpoint = near_midpoint || std::fabs(v - middle) < 3e-7;
    }
    if (!near_midpoint) differences.compare(x, nvq::NormalFloat4::encode(x), best);
  }
  CHECK(differences.report() == "");
}

TEST_CASE("E8M0 is a power of two", "[element]") {
  for (unsigned code = 0; code < 255; ++code)
    CHECK(static_cast<double>(nvq::E8M0::decode(static_cast<std::uint8_t>(code))) ==
          oracle::e8m0_value(code));
  CHECK(std::isnan(nvq::E8M0::decode(0xFF)));
  CHECK(nvq::E8M0::decode(0x7F) == 1.0f);
  CHECK(nvq::E8M0::largest() == nvq::exp2i(127));
  CHECK(nvq::E8M0::lowest() == nvq::exp2i(-127));
  CHECK(std::string(nvq::E8M0::name()) == "E8M0");
}

TEST_CASE("every 16-bit input and every boundary of E8M0 encode as brute force does", "[element]") {
  std::vector<float> inputs = oracle::all_16_bit_inputs();
  for (int e = -149; e < 128; ++e)
    for (const float x : {nvq::exp2i(e), nvq::exp2i(e) * 1.5f})
      for (const float y : {std::nextafter(x, 0.0f), x, std::nextafter(x, nvq::infinity())})
        inputs.push_back(y);
  const struct {
    nvq::Rounding rounding;
    oracle::Round oracle;
  } modes[] = {{nvq::Rounding::nearest_even, oracle::Round::nearest_even},
               {nvq::Rounding::toward_zero, oracle::Round::toward_zero},
               {nvq::Rounding::away_from_zero, oracle::Round::away_from_zero}};
  for (const auto& mode : modes)
    for (const bool saturate : {true, false}) {
      oracle::Differences differences;
      for (const float x : inputs)
        differences.compare(
            x,
            nvq::E8M0::encode(x, mode.rounding, saturate ? nvq::Overflow::saturate : nvq::Overflow::special),
            oracle::encode_e8m0(static_cast<double>(x), mode.oracle, saturate));
      INFO(static_cast<int>(mode.rounding) << (saturate ? ", saturating" : ", to specials"));
      CHECK(differences.report() == "");
    }
}
