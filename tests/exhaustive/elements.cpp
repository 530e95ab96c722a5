// SPDX-License-Identifier: Apache-2.0
// All 2^32 floats against brute force.

#include <nvq/element.hpp>

#include "all_floats.hpp"

namespace {

/// The rounding of device code without conversions.
template <int E, int M, nvq::Specials S, int Bias>
std::uint8_t by_addition(nvq::Float<E, M, S, Bias>, float x) {
  return static_cast<std::uint8_t>(nvq::detail::minifloat<E, M, S, Bias, true>::encode_by_addition(x));
}

template <class E>
void check(const oracle::FloatSpec& spec) {
  const oracle::FloatElement element(spec);
  const std::vector<exhaustive::Interval> list =
      exhaustive::intervals([&](double x) { return element.encode(x); });
  CHECK(list.size() == element.line().points.size());  // one interval a magnitude
  CHECK(exhaustive::count_wrong(list, spec.nan_code, [](float x) { return E::encode(x); }) == 0);
  CHECK(exhaustive::count_wrong(list, spec.nan_code, [](float x) { return by_addition(E{}, x); }) == 0);
}

void check_e8m0(nvq::Rounding rounding, oracle::Round round) {
  const std::vector<exhaustive::Interval> list =
      exhaustive::intervals([&](double x) { return oracle::encode_e8m0(x, round, true); });
  CHECK(list.size() == 255);
  CHECK(exhaustive::count_wrong(list, 0xFF, [=](float x) { return nvq::E8M0::encode(x, rounding); }) == 0);
}

}  // namespace

TEST_CASE("E2M1, all floats", "[exhaustive]") {
  check<nvq::E2M1>({2, 1, 1, oracle::Specials::none, true, 0x7});
}
TEST_CASE("E4M3, all floats", "[exhaustive]") {
  check<nvq::E4M3>({4, 3, 7, oracle::Specials::nan_only, true, 0x7F});
}
TEST_CASE("E5M2, all floats", "[exhaustive]") {
  check<nvq::E5M2>({5, 2, 15, oracle::Specials::ieee, true, 0x7F});
}
TEST_CASE("E8M0 upward, all floats", "[exhaustive]") {
  check_e8m0(nvq::Rounding::away_from_zero, oracle::Round::away_from_zero);
}
TEST_CASE("E8M0 to nearest, all floats", "[exhaustive]") {
  check_e8m0(nvq::Rounding::nearest_even, oracle::Round::nearest_even);
}
