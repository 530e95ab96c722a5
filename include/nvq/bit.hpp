// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/ptx.hpp>

NVQ_BEGIN_NAMESPACE

/// The object representation of `from` as a `To`; std::bit_cast for C++17 and device code.
template <class To, class From>
NVQ_HD constexpr To bit_cast(const From& from) noexcept {
  static_assert(sizeof(To) == sizeof(From), "nvq::bit_cast: the two types differ in size");
  return __builtin_bit_cast(To, from);
}

// The compiler turns integer operations on the bits of a float into float operations, which -ftz=true changes, so
// device code hides from it what they are.
NVQ_HD constexpr std::uint32_t float_bits(float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::bits(x);
#endif
  return bit_cast<std::uint32_t>(x);
}
NVQ_HD constexpr float float_from_bits(std::uint32_t bits) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return detail::ptx::from_bits(bits);
#endif
  return bit_cast<float>(bits);
}

/// |x| by clearing the sign bit: defined for NaN, never traps.
NVQ_HD constexpr float abs(float x) noexcept { return float_from_bits(float_bits(x) & 0x7FFFFFFFu); }
NVQ_HD constexpr bool is_nan(float x) noexcept { return (float_bits(x) & 0x7FFFFFFFu) > 0x7F800000u; }
NVQ_HD constexpr bool is_finite(float x) noexcept { return (float_bits(x) & 0x7F800000u) != 0x7F800000u; }
NVQ_HD constexpr bool is_zero(float x) noexcept { return (float_bits(x) & 0x7FFFFFFFu) == 0; }
/// x > 0; false for NaN.
NVQ_HD constexpr bool is_positive(float x) noexcept { return float_bits(x) - 1u < 0x7F800000u; }
/// x < 0; false for NaN and -0. Whatever the processor makes of subnormal numbers.
NVQ_HD constexpr bool is_negative(float x) noexcept { return float_bits(x) - 0x80000001u < 0x7F800000u; }
/// -x, of NaN, too.
NVQ_HD constexpr float negate(float x) noexcept { return float_from_bits(float_bits(x) ^ 0x80000000u); }
NVQ_HD constexpr bool sign_bit(float x) noexcept { return (float_bits(x) >> 31) != 0; }

NVQ_HD constexpr float quiet_nan() noexcept { return float_from_bits(0x7FC00000u); }
NVQ_HD constexpr float infinity() noexcept { return float_from_bits(0x7F800000u); }
/// x, or the one quiet_nan() for any NaN: which NaN an operation gives depends on the processor.
NVQ_HD constexpr float canonical_nan(float x) noexcept { return is_nan(x) ? quiet_nan() : x; }
/// The largest finite float, FLT_MAX.
NVQ_HD constexpr float float_max() noexcept { return float_from_bits(0x7F7FFFFFu); }

/// 2^exponent for exponent in [-149, 127].
NVQ_HD constexpr float exp2i(int exponent) noexcept {
  return exponent >= -126 ? float_from_bits(static_cast<std::uint32_t>(exponent + 127) << 23)
                          : float_from_bits(1u << (exponent + 149));
}

NVQ_END_NAMESPACE
