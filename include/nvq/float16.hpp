// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/minifloat.hpp>
#include <nvq/detail/ptx.hpp>

NVQ_BEGIN_NAMESPACE

/// IEEE 754 binary16 as its 16 bits. Converting from float rounds to nearest even and overflows to infinity;
/// every NaN becomes 0x7E00 with the sign kept. Storage only: there is no arithmetic.
struct half {
  std::uint16_t bits = 0;

  half() = default;
  NVQ_HD constexpr explicit half(float x) noexcept : bits(encode(x)) {}
  NVQ_HD static constexpr half from_bits(std::uint16_t bits) noexcept {
    half h{};
    h.bits = bits;
    return h;
  }
  NVQ_HD constexpr explicit operator float() const noexcept {
#if defined(__CUDA_ARCH__)
    if (!__builtin_is_constant_evaluated()) return detail::ptx::f32_from_f16(bits);
#endif
    return codec::decode(bits);
  }

 private:
  using codec = detail::minifloat<5, 10, Specials::ieee, 15, true>;
  NVQ_HD static constexpr std::uint16_t encode(float x) noexcept {
    if (is_nan(x)) return static_cast<std::uint16_t>(0x7E00u | ((float_bits(x) >> 16) & 0x8000u));
#if defined(__CUDA_ARCH__)
    if (!__builtin_is_constant_evaluated()) return static_cast<std::uint16_t>(detail::ptx::f16x2(x, 0.0f));
#endif
    return static_cast<std::uint16_t>(codec::encode(x, Rounding::nearest_even, Overflow::special));
  }
};

/// bfloat16 as its 16 bits: the upper half of a float. Converting from float rounds to nearest even and
/// overflows to infinity; every NaN becomes 0x7FC0 with the sign kept. Storage only: there is no arithmetic.
struct bfloat16 {
  std::uint16_t bits = 0;

  bfloat16() = default;
  NVQ_HD constexpr explicit bfloat16(float x) noexcept : bits(encode(x)) {}
  NVQ_HD static constexpr bfloat16 from_bits(std::uint16_t bits) noexcept {
    bfloat16 b{};
    b.bits = bits;
    return b;
  }
  NVQ_HD constexpr explicit operator float() const noexcept {
    return float_from_bits(static_cast<std::uint32_t>(bits) << 16);
  }

 private:
  NVQ_HD static constexpr std::uint16_t encode(float x) noexcept {
    const std::uint32_t b = float_bits(x);
    if (is_nan(x)) return static_cast<std::uint16_t>(0x7FC0u | ((b >> 16) & 0x8000u));
    return static_cast<std::uint16_t>((b + 0x7FFFu + ((b >> 16) & 1u)) >> 16);
  }
};

/// The float that a stored value of any of the three input types stands for.
NVQ_HD constexpr float to_float(float x) noexcept { return x; }
NVQ_HD constexpr float to_float(half x) noexcept { return static_cast<float>(x); }
NVQ_HD constexpr float to_float(bfloat16 x) noexcept { return static_cast<float>(x); }

NVQ_END_NAMESPACE
