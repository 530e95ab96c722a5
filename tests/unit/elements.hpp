// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/element.hpp>

#include "../oracle/brute_force.hpp"
#include "../oracle/differences.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

namespace unit {

// The elements as their specifications tell them, typed in: OCP Microscaling 1.0 (E2M1, E2M3, E3M2, E4M3,
// E5M2), OCP 8-bit Floating Point 1.0, and arXiv 2206.02915 for the two fnuz elements. UE4M3 is the 7-bit
// unsigned E4M3 of PTX.
struct Literal {
  const char* name;
  int bits;
  oracle::FloatSpec spec;
  double largest, min_normal, min_positive;
  unsigned largest_code;
  int max_exponent, nans, infinities;
};

template <class E>
Literal literal();

template <>
inline Literal literal<nvq::E2M1>() {
  return {"E2M1", 4, {2, 1, 1, oracle::Specials::none, true, 0x7}, 6.0, 1.0, 0.5, 0x7, 2, 0, 0};
}
template <>
inline Literal literal<nvq::E2M3>() {
  return {"E2M3", 6, {2, 3, 1, oracle::Specials::none, true, 0x1F}, 7.5, 1.0, 0.125, 0x1F, 2, 0, 0};
}
template <>
inline Literal literal<nvq::E3M2>() {
  return {"E3M2", 6, {3, 2, 3, oracle::Specials::none, true, 0x1F}, 28.0, 0.25, 0.0625, 0x1F, 4, 0, 0};
}
template <>
inline Literal literal<nvq::E4M3>() {
  return {"E4M3", 8, {4, 3, 7, oracle::Specials::nan_only, true, 0x7F}, 448.0, 0.015625, 0.001953125, 0x7E, 8,
          2,      0};
}
template <>
inline Literal literal<nvq::E5M2>() {
  return {"E5M2",
          8,
          {5, 2, 15, oracle::Specials::ieee, true, 0x7F},
          57344.0,
          6.103515625e-05,
          1.52587890625e-05,
          0x7B,
          15,
          6,
          2};
}
template <>
inline Literal literal<nvq::E4M3FNUZ>() {
  return {
      "E4M3FNUZ", 8, {4, 3, 8, oracle::Specials::fnuz, true, 0x80}, 240.0, 0.0078125, 0.0009765625, 0x7F, 7,
      1,          0};
}
template <>
inline Literal literal<nvq::E5M2FNUZ>() {
  return {"E5M2FNUZ",
          8,
          {5, 2, 16, oracle::Specials::fnuz, true, 0x80},
          57344.0,
          3.0517578125e-05,
          7.62939453125e-06,
          0x7F,
          15,
          1,
          0};
}
template <>
inline Literal literal<nvq::UE4M3>() {
  return {
      "UE4M3", 7, {4, 3, 7, oracle::Specials::nan_only, false, 0x7F}, 448.0, 0.015625, 0.001953125, 0x7E, 8,
      1,       0};
}

// Elements of a user's own, with shapes that none of the shipped ones has.
using E3M0 = nvq::Float<3, 0>;
using E1M2 = nvq::Float<1, 2>;
using E5M1U = nvq::Float<5, 1, nvq::Specials::ieee, 15, false>;
using E6M1FNUZ = nvq::Float<6, 1, nvq::Specials::fnuz>;

template <>
inline Literal literal<E3M0>() {
  return {"E3M0", 4, {3, 0, 3, oracle::Specials::none, true, 0x7}, 16.0, 0.25, 0.25, 0x7, 4, 0, 0};
}
template <>
inline Literal literal<E1M2>() {
  return {"E1M2", 4, {1, 2, 0, oracle::Specials::none, true, 0x7}, 3.5, 2.0, 0.5, 0x7, 1, 0, 0};
}
template <>
inline Literal literal<E5M1U>() {
  return {"UE5M1",
          6,
          {5, 1, 15, oracle::Specials::ieee, false, 0x3F},
          49152.0,
          6.103515625e-05,
          3.0517578125e-05,
          0x3D,
          15,
          1,
          1};
}
template <>
inline Literal literal<E6M1FNUZ>() {
  return {"E6M1FNUZ",
          8,
          {6, 1, 32, oracle::Specials::fnuz, true, 0x80},
          3221225472.0,
          4.656612873077393e-10,
          2.3283064365386963e-10,
          0x7F,
          31,
          1,
          0};
}

}  // namespace unit

#define UNIT_FLOAT_ELEMENTS                                                                        \
  nvq::E2M1, nvq::E2M3, nvq::E3M2, nvq::E4M3, nvq::E5M2, nvq::E4M3FNUZ, nvq::E5M2FNUZ, nvq::UE4M3, \
      unit::E3M0, unit::E1M2, unit::E5M1U, unit::E6M1FNUZ
