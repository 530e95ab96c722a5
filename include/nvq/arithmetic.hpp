// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/bit.hpp>
#include <nvq/config.hpp>

// Single IEEE operations on float, each rounded once to nearest even.
//
// A recipe is defined by its roundings, and the flags of an embedder may take them away: g++ and clang
// contract a*b+c into a fused multiply-add, nvcc does too, -use_fast_math makes device division approximate
// and -ftz=true flushes subnormal numbers, in comparisons too. These functions are immune in the source, so
// the same bytes come out of every build; functions that run on devices use no operator of float.

NVQ_BEGIN_NAMESPACE

namespace detail {

// Hides where a value came from, so that it cannot be fused with the operation that consumes it. No
// instruction results.
template <class T>
T opaque(T x) noexcept {
#if defined(__CUDA_ARCH__) || !defined(__GNUC__)
  return x;
#elif defined(__x86_64__)
  __asm__("" : "+x"(x));
  return x;
#elif defined(__aarch64__)
  __asm__("" : "+w"(x));
  return x;
#else
  __asm__("" : "+m"(x));
  return x;
#endif
}

}  // namespace detail

NVQ_HD constexpr float mul_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::mul(a, b);
#else
  if (!__builtin_is_constant_evaluated()) return detail::opaque(a * b);
#endif
  return a * b;
}

/// The same in double, for error figures.
NVQ_HD constexpr double mul_rn(double a, double b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __dmul_rn(a, b);
#else
  if (!__builtin_is_constant_evaluated()) return detail::opaque(a * b);
#endif
  return a * b;
}

NVQ_HD constexpr float add_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::add(a, b);
#endif
  return a + b;
}

NVQ_HD constexpr float sub_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::sub(a, b);
#endif
  return a - b;
}

/// a / b. b may be zero: the result is then an infinity or a NaN as IEEE 754 says, in constant expressions
/// too.
NVQ_HD constexpr float div_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::div(a, b);
#endif
  if (b == 0.0f) {
    if (a == 0.0f || is_nan(a)) return quiet_nan();
    return float_from_bits(0x7F800000u | ((float_bits(a) ^ float_bits(b)) & 0x80000000u));
  }
  return a / b;
}

/// 1 / x, x not zero.
NVQ_HD inline float rcp_rn(float x) noexcept {
#if defined(__CUDA_ARCH__)
  return detail::ptx::rcp(x);
#else
  return 1.0f / x;
#endif
}

/// a * b + c and a * b - c, rounded once.
NVQ_HD inline float fma_rn(float a, float b, float c) noexcept {
#if defined(__CUDA_ARCH__)
  return detail::ptx::fma(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
NVQ_HD inline float fms_rn(float a, float b, float c) noexcept {
#if defined(__CUDA_ARCH__)
  return detail::ptx::fms(a, b, c);
#else
  return __builtin_fmaf(a, b, -c);
#endif
}

/// a < b; false for NaN.
NVQ_HD constexpr bool less(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::less(a, b);
#endif
  return a < b;
}

/// The larger of a and |x|; a where x is NaN. a is not negative, nor NaN.
NVQ_HD constexpr float max_magnitude(float a, float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::max_magnitude(a, x);
#endif
  const float m = abs(x);
  return less(a, m) ? m : a;
}

/// The smaller of a and |x|; a where x is NaN. a is not negative, nor NaN.
NVQ_HD constexpr float min_magnitude(float a, float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::min_magnitude(a, x);
#endif
  const float m = abs(x);
  return less(m, a) ? m : a;
}

/// The smaller and the larger of x and a bound; the bound where x is NaN. Of zeros of both signs any.
NVQ_HD constexpr float at_most(float x, float bound) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::smaller(x, bound);
#endif
  return less(x, bound) ? x : bound;
}
NVQ_HD constexpr float at_least(float x, float bound) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::larger(x, bound);
#endif
  return less(bound, x) ? x : bound;
}

/// x without its fraction. x is between -2^31 and 2^31.
NVQ_HD constexpr int to_int(float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::to_int(x);
#endif
  return static_cast<int>(x);
}

/// x rounded to an integral value, ties to even. Exact for every float; NaN and infinities pass through.
NVQ_HD constexpr float round_even(float x) noexcept {
  const std::uint32_t a = float_bits(x) & 0x7FFFFFFFu;
  if (a >= 0x4B000000u) return x;  // 2^23 and above are integral already
  const float magic = 8388608.0f;
  const float m = float_from_bits(a);
#if defined(__CUDA_ARCH__)
  const float r = sub_rn(add_rn(m, magic), magic);
#else
  const float r = __builtin_is_constant_evaluated() ? (m + magic) - magic : detail::opaque(m + magic) - magic;
#endif
  return float_from_bits(float_bits(r) | (float_bits(x) & 0x80000000u));
}

/// x clamped to [low, high]; NaN passes through.
NVQ_HD constexpr float clamp(float x, float low, float high) noexcept {
  return less(x, low) ? low : less(high, x) ? high : x;
}

/// 1 / x by PTX rcp.approx.ftz.f32 in device code. On the host its model, as far as is known: subnormal inputs
/// count as zero, subnormal results become zero. The instruction is within one unit in the last place; the
/// model rounds the quotient correctly.
NVQ_HD constexpr float rcp_approx_ftz(float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::rcp_approx_ftz(x);
#endif
  const std::uint32_t sign = float_bits(x) & 0x80000000u;
  if ((float_bits(x) & 0x7F800000u) == 0) return float_from_bits(sign | 0x7F800000u);
  const float r = div_rn(1.0f, x);
  return (float_bits(r) & 0x7F800000u) == 0 ? float_from_bits(sign) : r;
}

NVQ_HD constexpr float min_of(float a, float b) noexcept { return less(b, a) ? b : a; }
NVQ_HD constexpr float max_of(float a, float b) noexcept { return less(a, b) ? b : a; }

NVQ_END_NAMESPACE
