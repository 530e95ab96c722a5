// SPDX-License-Identifier: Apache-2.0
// Quotients by a reciprocal, against division.
#include <cstdint>
#include <initializer_list>
#include <nvq/cuda/divide.cuh>
#include <nvq/formats.hpp>
#include <nvq/random.hpp>

#include "../support/catch.hpp"

namespace {

using nvq::float_bits;
using nvq::float_from_bits;

/// values[i] / s; false where that is left to division.
template <class F, class R, unsigned N>
bool divide_by_reciprocal(const float (&values)[N], float s, float (&quotients)[N]) {
  return nvq::cuda::detail::has_reciprocal<F, R>(s) &&
         nvq::cuda::detail::divide_by_reciprocal(values, s, quotients);
}

template <class E>
using Plain = nvq::Format<E, nvq::Block32, nvq::ScaleFP32, nvq::TensorNone>;
using amax = nvq::recipe::amax_t;
using modelopt = nvq::recipe::modelopt_t;

std::uint32_t random(std::uint64_t stream, std::uint64_t i) { return nvq::random_bits(stream, i); }

/// A divisor from 2^first to below 2^(last + 1).
float divisor(std::uint64_t i, int first, int last) {
  const auto span = static_cast<std::uint32_t>(last - first + 1);
  return float_from_bits((static_cast<std::uint32_t>(127 + first) + random(1, i) % span) << 23 |
                         (random(2, i) & 0x7FFFFFu));
}

bool same(float a, float b) { return float_bits(a) == float_bits(b) || (nvq::is_nan(a) && nvq::is_nan(b)); }

/// Whether q does in the place of x / s.
template <class R>
bool as_good(float q, float x, float s) {
  const float exact = x / s;
  if (nvq::is_nan(exact) || nvq::abs(exact) >= 0x1p-42f) return same(q, exact);
  return nvq::abs(q) < 0x1p-41f && nvq::sign_bit(q) == nvq::sign_bit(exact) &&
         (!nvq::cuda::detail::plain_rounding<nvq::NVFP4, R>::asks_for_zero ||
          nvq::is_zero(q) == nvq::is_zero(exact));
}

/// How many of N random values, of all exponents, and zeros, are not as they should be.
template <class F, class R>
long wrong_quotients(std::uint64_t n, float s) {
  float x[16], q[16];
  for (unsigned i = 0; i < 16; ++i) {
    x[i] = float_from_bits(random(3, 16 * n + i));
    if (nvq::abs(x[i]) > s * 0x1p39f) x[i] = float_from_bits(random(4, n) & 0x80000000u);
  }
  if (!divide_by_reciprocal<F, R>(x, s, q)) return 100;
  long wrong = 0;
  for (unsigned i = 0; i < 16; ++i) wrong += !as_good<R>(q[i], x[i], s);
  return wrong;
}

}  // namespace

TEST_CASE("quotients by a reciprocal are the rounded quotients") {
  long wrong = 0;
  for (std::uint64_t n = 0; n < 200000; ++n) {
    wrong += wrong_quotients<Plain<nvq::E4M3>, amax>(n, divisor(n, -60, 19));
    wrong += wrong_quotients<Plain<nvq::Int8>, amax>(n, divisor(n, -60, 19));
    wrong += wrong_quotients<nvq::NVFP4, modelopt>(n, divisor(n, -60, -1));
  }
  for (const float s : {0x1p-60f, 0x1.fffffep-2f, 1.0f, 0x1p20f})
    for (std::uint64_t n = 0; n < 10000; ++n) wrong += wrong_quotients<Plain<nvq::E5M2>, amax>(n, s);
  CHECK(wrong == 0);
}

TEST_CASE("the smallest values have the quotients that are zero, and their sign") {
  long wrong = 0;
  for (std::uint64_t n = 0; n < 20000; ++n) {
    const float s = divisor(n, -30, -1);
    for (std::uint32_t first = 0; first < 64; first += 8) {
      float x[16], q[16];
      for (unsigned i = 0; i < 16; ++i) x[i] = float_from_bits((first + i / 2) | i % 2 << 31);
      REQUIRE(divide_by_reciprocal<nvq::NVFP4, modelopt>(x, s, q));
      for (unsigned i = 0; i < 16; ++i) wrong += !as_good<modelopt>(q[i], x[i], s);
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("values next to every rounding boundary encode as their quotients do", "", nvq::E2M1,
                   nvq::E2M3, nvq::E3M2, nvq::E4M3, nvq::E5M2, nvq::Int4, nvq::Int8, nvq::UInt4) {
  using E = TestType;
  long wrong = 0;
  for (std::uint64_t n = 0; n < 600; ++n) {
    const float s = divisor(n, -60, 19);
    for (unsigned code = 0; code < 1u << E::bits; ++code) {
      // The midpoints of neighbours are multiples of half a step: between the code's value and those next to it.
      const float value = E::decode(static_cast<std::uint8_t>(code));
      const float next = E::decode(static_cast<std::uint8_t>(code + 1));
      if (!nvq::is_finite(value) || !nvq::is_finite(next)) continue;
      for (const float boundary : {(value + next) * 0.5f, value, E::largest() * 1.0625f}) {
        float x[8], q[8];
        for (unsigned i = 0; i < 8; ++i)
          x[i] = float_from_bits(nvq::is_zero(boundary) ? 0 : float_bits(boundary * s) + i - 4);
        REQUIRE(divide_by_reciprocal<Plain<E>, amax>(x, s, q));
        for (unsigned i = 0; i < 8; ++i) wrong += E::encode(q[i]) != E::encode(x[i] / s);
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("divisors and values that a reciprocal does not serve are left to division") {
  float x[2] = {1.0f, -3.0f}, q[2];
  const auto by_reciprocal = [&](float s) { return divide_by_reciprocal<Plain<nvq::E4M3>, amax>(x, s, q); };
  for (const float s :
       {0.0f, -0.0f, 1e-40f, 0x1p-61f, -1.0f, 0x1.1p20f, 3e38f, nvq::infinity(), nvq::quiet_nan()})
    CHECK_FALSE(by_reciprocal(s));
  CHECK(divide_by_reciprocal<Plain<nvq::Int8>, amax>(x, -2.0f, q));  // integers have no -0
  CHECK((q[0] == -0.5f && q[1] == 1.5f));
  CHECK_FALSE(divide_by_reciprocal<nvq::NVFP4, modelopt>(x, 1.5f, q));
  for (const float huge : {0x1p41f, -3e38f, nvq::infinity(), -nvq::infinity()}) {
    x[1] = huge;
    CHECK_FALSE(by_reciprocal(1.0f));
  }
  x[0] = -0.0f;
  x[1] = nvq::quiet_nan();
  CHECK(by_reciprocal(0.3f));
  CHECK((float_bits(q[0]) == 0x80000000u && nvq::is_nan(q[1])));
  // Formats and recipes of others keep their divisions.
  CHECK_FALSE(nvq::cuda::detail::may_divide_by_reciprocal<Plain<nvq::Float<7, 0>>, amax, nvq::Divide>);
  CHECK_FALSE(nvq::cuda::detail::may_divide_by_reciprocal<Plain<nvq::E4M3>, amax, nvq::Multiply>);
}
