// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nvq/scale.hpp>

#include "../oracle/differences.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

TEST_CASE("E4M3 block scales round to nearest, saturate and have no sign", "[scale]") {
  CHECK(nvq::ScaleE4M3::encode(1.0f) == 0x38);
  CHECK(nvq::ScaleE4M3::encode(1e9f) == 0x7E);
  CHECK(nvq::ScaleE4M3::encode(-3.0f) == 0x00);
  CHECK(nvq::ScaleE4M3::encode(nvq::quiet_nan()) == 0x7F);
  CHECK(nvq::ScaleE4M3::decode(0x38) == 1.0f);
  CHECK(std::isnan(nvq::ScaleE4M3::decode(0x7F)));
  CHECK(nvq::ScaleE4M3::largest() == 448.0f);
  CHECK(nvq::ScaleE4M3::min_positive() == 0.001953125f);
}

TEST_CASE("E8M0 block scales round upward", "[scale]") {
  CHECK(nvq::ScaleE8M0::encode(1.0f) == 0x7F);
  CHECK(nvq::ScaleE8M0::encode(std::nextafter(1.0f, 2.0f)) == 0x80);
  CHECK(nvq::ScaleE8M0::encode(0.0f) == 0x00);
  CHECK(nvq::ScaleE8M0::encode(nvq::infinity()) == 0xFE);
  CHECK(nvq::ScaleE8M0::decode(0x80) == 2.0f);
  CHECK(nvq::ScaleE8M0::largest() == nvq::exp2i(127));
  CHECK(nvq::ScaleE8M0::min_positive() == nvq::exp2i(-127));
}

TEST_CASE("16-bit block scales round to nearest and saturate", "[scale]") {
  const oracle::FloatElement half(oracle::half_spec()), bfloat16(oracle::bfloat16_spec());
  oracle::Differences differences;
  for (const float x : oracle::all_16_bit_inputs()) {
    if (std::isnan(x)) continue;
    const double v = static_cast<double>(x);
    differences.compare(x, nvq::ScaleFP16::encode(x), half.encode(v), "FP16");
    differences.compare(x, nvq::ScaleBF16::encode(x), bfloat16.encode(v), "BF16");
  }
  for (const float x : {65504.0f, 65519.9f, 65520.0f, -65520.0f, 1e9f, nvq::float_max(), -nvq::float_max()}) {
    const double v = static_cast<double>(x);
    differences.compare(x, nvq::ScaleFP16::encode(x), half.encode(v), "FP16");
    differences.compare(x, nvq::ScaleBF16::encode(x), bfloat16.encode(v), "BF16");
  }
  CHECK(differences.report() == "");
  CHECK(nvq::ScaleFP16::decode(0x3C00) == 1.0f);
  CHECK(nvq::ScaleBF16::decode(0x3F80) == 1.0f);
  CHECK(nvq::ScaleFP16::largest() == 65504.0f);
  CHECK(nvq::ScaleFP16::min_positive() == nvq::ScaleFP16::decode(0x0001));
  CHECK(nvq::ScaleBF16::largest() == nvq::ScaleBF16::decode(0x7F7F));
  CHECK(nvq::ScaleBF16::min_positive() == nvq::ScaleBF16::decode(0x0001));
}

TEST_CASE("float block scales are themselves", "[scale]") {
  for (const float x : {0.0f, 0.1f, -3.0f, nvq::float_max(), nvq::exp2i(-149)}) {
    CHECK(nvq::ScaleFP32::encode(x) == x);
    CHECK(nvq::ScaleFP32::decode(x) == x);
  }
}

TEST_CASE("the array of doubly quantized scales", "[scale]") {
  using S = nvq::ScaleFP32DQ;
  CHECK(S::array_size(0) == 0);
  CHECK(S::array_size(1) == 4 + 4 + 4);
  CHECK(S::array_size(256) == 256 + 4 + 4);
  CHECK(S::array_size(257) == 260 + 8 + 4);
  CHECK(S::group_offset(257, 0) == 260);
  CHECK(S::group_offset(257, 1) == 264);
  CHECK(S::group_offset(257, 2) == 268);
}
