// SPDX-License-Identifier: Apache-2.0
// What becomes of NaN, infinity, -0 and overflow, written out per element.

#include "elements.hpp"

namespace {

constexpr float inf = nvq::infinity();
constexpr auto nearest = nvq::Rounding::nearest_even;
constexpr auto special = nvq::Overflow::special;

struct Policy {
  unsigned nan, negative_nan;                    // either overflow policy
  unsigned inf, negative_inf;                    // saturating
  unsigned special_inf, special_negative_inf;    // to specials
  unsigned special_huge, special_negative_huge;  // FLT_MAX to specials
  unsigned negative_zero, negative_tiny;         // -0 and a negative value that rounds to zero
};

template <class E>
void check(const Policy& p) {
  const float nan = nvq::quiet_nan(), negative_nan = nvq::float_from_bits(0xFFC00000u);
  for (const auto overflow : {nvq::Overflow::saturate, special}) {
    CHECK(E::encode(nan, nearest, overflow) == p.nan);
    CHECK(E::encode(negative_nan, nearest, overflow) == p.negative_nan);
    CHECK(E::encode(nvq::float_from_bits(0x7F800001u), nearest, overflow) == p.nan);
    CHECK(E::encode_stochastic(nan, 0, overflow) == p.nan);
    CHECK(E::encode(-0.0f, nearest, overflow) == p.negative_zero);
    CHECK(E::encode(-1e-30f, nearest, overflow) == p.negative_tiny);
    CHECK(E::encode(0.0f, nearest, overflow) == 0);
  }
  CHECK(E::encode(inf) == p.inf);
  CHECK(E::encode(-inf) == p.negative_inf);
  CHECK(E::encode(nvq::float_max()) == p.inf);
  CHECK(E::encode(-nvq::float_max()) == p.negative_inf);
  CHECK(E::encode(inf, nearest, special) == p.special_inf);
  CHECK(E::encode(-inf, nearest, special) == p.special_negative_inf);
  CHECK(E::encode(nvq::float_max(), nearest, special) == p.special_huge);
  CHECK(E::encode(-nvq::float_max(), nearest, special) == p.special_negative_huge);
  CHECK(E::encode_stochastic(inf, 0, special) == p.special_inf);
  CHECK(E::encode_stochastic(-inf, 0) == p.negative_inf);
  // A finite value never becomes a special toward zero; an infinity does.
  CHECK(E::encode(nvq::float_max(), nvq::Rounding::toward_zero, special) == p.inf);
  CHECK(E::encode(inf, nvq::Rounding::toward_zero, special) == p.special_inf);
}

}  // namespace

//                                        NaN  -NaN   Inf  -Inf | special: Inf  -Inf  huge -huge |  -0  -tiny
TEST_CASE("specials of E2M1", "[element]") {
  check<nvq::E2M1>({0x7, 0x7, 0x7, 0xF, 0x7, 0xF, 0x7, 0xF, 0x8, 0x8});
}
TEST_CASE("specials of E2M3", "[element]") {
  check<nvq::E2M3>({0x1F, 0x1F, 0x1F, 0x3F, 0x1F, 0x3F, 0x1F, 0x3F, 0x20, 0x20});
}
TEST_CASE("specials of E3M2", "[element]") {
  check<nvq::E3M2>({0x1F, 0x1F, 0x1F, 0x3F, 0x1F, 0x3F, 0x1F, 0x3F, 0x20, 0x20});
}
TEST_CASE("specials of E4M3", "[element]") {
  check<nvq::E4M3>({0x7F, 0x7F, 0x7E, 0xFE, 0x7F, 0xFF, 0x7F, 0xFF, 0x80, 0x80});
}
TEST_CASE("specials of E5M2", "[element]") {
  check<nvq::E5M2>({0x7F, 0x7F, 0x7B, 0xFB, 0x7C, 0xFC, 0x7C, 0xFC, 0x80, 0x80});
}
TEST_CASE("specials of E4M3FNUZ", "[element]") {
  check<nvq::E4M3FNUZ>({0x80, 0x80, 0x7F, 0xFF, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00});
}
TEST_CASE("specials of E5M2FNUZ", "[element]") {
  check<nvq::E5M2FNUZ>({0x80, 0x80, 0x7F, 0xFF, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00});
}
TEST_CASE("specials of UE4M3", "[element]") {
  check<nvq::UE4M3>({0x7F, 0x7F, 0x7E, 0x00, 0x7F, 0x00, 0x7F, 0x00, 0x00, 0x00});
}

TEST_CASE("specials of integers", "[element]") {
  const float nan = nvq::quiet_nan();
  CHECK(nvq::Int4::encode(nan) == 0);
  CHECK(nvq::Int4::encode(inf) == 0x7);
  CHECK(nvq::Int4::encode(-inf) == 0x8);
  CHECK(nvq::Int4::encode(-0.0f) == 0);
  CHECK(nvq::Int8::encode(nan) == 0);
  CHECK(nvq::Int8::encode(inf) == 0x7F);
  CHECK(nvq::Int8::encode(-inf) == 0x80);
  CHECK(nvq::UInt4::encode(nan) == 0);
  CHECK(nvq::UInt4::encode(inf) == 0xF);
  CHECK(nvq::UInt4::encode(-inf) == 0);
  CHECK(nvq::Int8::encode_stochastic(nan, 0) == 0);
  CHECK(nvq::Int8::encode_stochastic(inf, 0xFFFFFFFFu) == 0x7F);
  CHECK(nvq::Int8::encode_stochastic(-inf, 0) == 0x80);
}

TEST_CASE("specials of NF4", "[element]") {
  CHECK(nvq::NormalFloat4::encode(nvq::quiet_nan()) == 0);
  CHECK(nvq::NormalFloat4::encode(inf) == 15);
  CHECK(nvq::NormalFloat4::encode(-inf) == 0);
  CHECK(nvq::NormalFloat4::encode(-0.0f) == 7);
}

TEST_CASE("specials of E8M0", "[element]") {
  const auto up = nvq::Rounding::away_from_zero;
  for (const auto rounding : {nearest, nvq::Rounding::toward_zero, up}) {
    CHECK(nvq::E8M0::encode(nvq::quiet_nan(), rounding) == 0xFF);
    CHECK(nvq::E8M0::encode(nvq::float_from_bits(0xFFC00000u), rounding, special) == 0xFF);
    CHECK(nvq::E8M0::encode(inf, rounding) == 0xFE);
    CHECK(nvq::E8M0::encode(inf, rounding, special) == 0xFF);
    CHECK(nvq::E8M0::encode(0.0f, rounding) == 0x00);
    CHECK(nvq::E8M0::encode(-0.0f, rounding, special) == 0x00);
    CHECK(nvq::E8M0::encode(-4.0f, rounding) == 0x81);
  }
  CHECK(nvq::E8M0::encode(nvq::float_max(), up) == 0xFE);
  CHECK(nvq::E8M0::encode(nvq::float_max(), up, special) == 0xFF);
  CHECK(nvq::E8M0::encode(nvq::float_max(), nearest, special) == 0xFF);
  CHECK(nvq::E8M0::encode(nvq::float_max(), nvq::Rounding::toward_zero, special) == 0xFE);
}
