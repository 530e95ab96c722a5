// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/cuda/registers.cuh>
#include <nvq/element.hpp>
#include <nvq/recipe.hpp>
#include <type_traits>

// The values of a block over its scale. A division is a dozen instructions and a subroutine; the values of a block have
// one divisor, so the rounded reciprocal r is taken once, and then
//
//   q0 = x * r,  e = q0 * s - x,  q = q0 - e * r      each rounded once
//
// is x / s rounded to nearest (Markstein; Brisebarre, Muller, Raina, "Accelerating correctly rounded floating-point
// division when the divisor is known in advance", 2004) as long as no step over- or underflows and e is exact. For s from
// 2^-60 to 2^20 that is so of quotients from 2^-42 to 2^40. Larger ones, infinities and other divisors are left to true
// division. Smaller quotients, which the shipped elements round to zero, come out below 2^-41 with the right sign; with
// s up to 1 they are zero, too, exactly where the rounded quotient is.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// Elements that do not tell quotients below 2^-41 from each other but by their sign, nor those above 2^39.
template <class E>
struct rounds_tiny_to_zero {
  static constexpr bool value = false;
};
template <int E, int M, Specials S, int Bias, bool Signed>
struct rounds_tiny_to_zero<Float<E, M, S, Bias, Signed>> {
  using element = Float<E, M, S, Bias, Signed>;
  static constexpr bool value = element::min_positive() >= exp2i(-40) && element::largest() <= exp2i(38);
};
template <int N>
struct rounds_tiny_to_zero<Int<N>> {
  static constexpr bool value = true;
};
template <int N>
struct rounds_tiny_to_zero<UInt<N>> {
  static constexpr bool value = true;
};

/// Recipes whose element<F>(x) is F::element::encode(input(x)), so that two values can be rounded by one instruction.
template <class F, class R, class = void>
struct plain_rounding {
  static constexpr bool value = &R::template element<F> == &recipe::base::template element<F>;
  static constexpr bool asks_for_zero = false;
  NVQ_HD static constexpr float input(float x) noexcept { return x; }
};
template <class F, class R>
struct plain_rounding<F, R, std::enable_if_t<std::is_base_of<recipe::fp8::vllm, R>::value>> {
  static constexpr bool value = true, asks_for_zero = false;
  /// NaN to the largest value, in groups to the lowest.
  NVQ_HD static constexpr float input(float x) noexcept {
    return F::block_size == 0 ? at_most(x, F::element::largest()) : at_least(x, F::element::lowest());
  }
};
template <class F, class R>
struct plain_rounding<F, R, std::enable_if_t<std::is_base_of<recipe::nvfp4::modelopt, R>::value>> {
  static constexpr bool value = true, asks_for_zero = true;
  NVQ_HD static constexpr float input(float x) noexcept { return add_rn(x, 0.0f); }  // -0 to 0
};
template <class F, class R>
struct plain_rounding<F, R,
                      std::enable_if_t<std::is_base_of<recipe::nvfp4::compressed_tensors<false>, R>::value ||
                                       std::is_base_of<recipe::nvfp4::compressed_tensors<true>, R>::value>> {
  static constexpr bool value = true, asks_for_zero = true;
  NVQ_HD static constexpr float input(float x) noexcept { return is_nan(x) ? 0.0f : add_rn(x, 0.0f); }
};

template <class Scaler>
inline constexpr bool is_division =
    std::is_same<Scaler, Divide>::value || std::is_same<Scaler, DivideOrZero>::value;

/// Whether quotients of divide_by_reciprocal() do.
template <class F, class R, class Scaler>
inline constexpr bool may_divide_by_reciprocal =
    is_division<Scaler>&& rounds_tiny_to_zero<typename F::element>::value&& plain_rounding<F, R>::value;

/// Divisors of divide_by_reciprocal().
template <class F, class R>
NVQ_HD bool has_reciprocal(float divisor) noexcept {
  constexpr std::uint32_t first = (127u - 60u) << 23,
                          last = (127u + (plain_rounding<F, R>::asks_for_zero ? 0u : 20u)) << 23;
  // Of a negative divisor, -0 would come out as 0; integers have no such code.
  const std::uint32_t bits =
      float_bits(divisor) & (nvq::detail::is_integer_v<typename F::element> ? 0x7FFFFFFFu : 0xFFFFFFFFu);
  return bits - first <= last - first;
}

/// values[i] / divisor, as exactly as F and R can tell; false where that needs division.
template <unsigned N>
NVQ_HD bool divide_by_reciprocal(const float (&values)[N], float divisor, float (&quotients)[N]) noexcept {
  const float reciprocal = rcp_rn(divisor), negative = negate(reciprocal);
  float largest = 0.0f;
  NVQ_UNROLL
  for (unsigned i = 0; i < N; ++i) {
    const float q = mul_rn(values[i], reciprocal);
    largest = max_magnitude(largest, q);
    // The residual is q * s - x, so that of -0 it is -0 - -0 = 0, and -0 - 0 * r stays -0.
    quotients[i] = fma_rn(fms_rn(q, divisor, values[i]), negative, q);
  }
  return less(largest, exp2i(40));
}

/// The values as a recipe's scaler brings them to the range of the element.
template <class F, class R, class Scaler, unsigned N>
NVQ_HD void scale_values(const float (&values)[N], Scaler scaler, float (&scaled)[N]) noexcept {
  if constexpr (may_divide_by_reciprocal<F, R, Scaler>) {
    if (has_reciprocal<F, R>(scaler.divisor)) {
      if (divide_by_reciprocal(values, scaler.divisor, scaled)) return;
    } else if (std::is_same<Scaler, DivideOrZero>::value && is_zero(scaler.divisor)) {
      NVQ_UNROLL
      for (unsigned i = 0; i < N; ++i) scaled[i] = scaler(values[i]);
      return;
    }
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) scaled[i] = div_rn(values[i], scaler.divisor);
  } else {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) scaled[i] = scaler(values[i]);
  }
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
