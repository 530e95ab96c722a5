// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/detail/float_name.hpp>
#include <nvq/detail/minifloat.hpp>
#include <nvq/detail/nf4.hpp>
#include <nvq/rounding.hpp>

// Elements: the small numbers that codes stand for. An element is a stateless type:
//
//   bits                 width of a code; codes are held in the low bits of a std::uint8_t
//   decode(code)         the float it stands for; bits above `bits` are ignored
//   encode(x, ...)       the code nearest to x (ties to the even code) unless another Rounding is asked for
//   encode_stochastic(x, random)   the upper neighbour with probability equal to x's distance from the lower
//   one largest()                the largest finite value
//
// All functions are total, constexpr, and give the same bits on host and device.

NVQ_BEGIN_NAMESPACE

namespace detail {
template <int E, Specials S>
inline constexpr int default_bias = (1 << (E - 1)) - 1 + (S == Specials::fnuz ? 1 : 0);
}

/// A floating-point element: sign (unless `Signed` is false), E exponent bits, M mantissa bits, subnormals.
///
/// NaN input: the NaN code with the sign dropped where the element has a NaN, else the largest positive
/// value. Infinite input: the largest value of that sign, or the special that Overflow::special asks for. The
/// sign of zero is kept, also when a small negative value rounds to zero, except by fnuz elements, which have
/// no -0. Unsigned elements turn every negative value and -0 into zero. These are the rules of the CUDA
/// Toolkit's cuda_fp4.h, cuda_fp6.h and cuda_fp8.h (SATFINITE and NOSAT).
template <int E, int M, Specials S = Specials::none, int Bias = detail::default_bias<E, S>,
          bool Signed = true>
struct Float {
  static_assert(E + M + (Signed ? 1 : 0) <= 8, "nvq::Float: an element has at most 8 bits");

  static constexpr int bits = E + M + (Signed ? 1 : 0);
  static constexpr int exponent_bits = E;
  static constexpr int mantissa_bits = M;
  static constexpr int bias = Bias;
  static constexpr bool is_signed = Signed;
  static constexpr bool has_nan = S != Specials::none;
  static constexpr bool has_infinity = S == Specials::ieee;

  static constexpr const char* name() noexcept { return detail::float_name_v<E, M, S, Signed>.text; }

  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept { return codec::decode(code); }
  NVQ_HD static constexpr std::uint8_t encode(float x, Rounding rounding = Rounding::nearest_even,
                                              Overflow overflow = Overflow::saturate) noexcept {
    if (rounding == Rounding::nearest_even && overflow == Overflow::saturate) return nearest(x);
    return static_cast<std::uint8_t>(codec::encode(x, rounding, overflow));
  }
  /// `random`: 32 uniform bits; x becomes its upper neighbour when random / 2^32 < its relative distance from
  /// the lower one.
  NVQ_HD static constexpr std::uint8_t encode_stochastic(float x, std::uint32_t random,
                                                         Overflow overflow = Overflow::saturate) noexcept {
    return static_cast<std::uint8_t>(codec::encode_stochastic(x, random, overflow));
  }

  NVQ_HD static constexpr float largest() noexcept {
    constexpr float value = codec::decode(codec::max_code);
    return value;
  }
  NVQ_HD static constexpr float lowest() noexcept { return Signed ? -largest() : 0.0f; }
  NVQ_HD static constexpr float min_normal() noexcept { return exp2i(1 - Bias); }
  /// The smallest positive value.
  NVQ_HD static constexpr float min_positive() noexcept {
    constexpr float value = codec::decode(1);
    return value;
  }
  /// floor(log2(largest())): the e_max of the OCP Microscaling specification.
  NVQ_HD static constexpr int max_exponent() noexcept {
    return static_cast<int>(codec::max_code >> M) - Bias;
  }
  NVQ_HD static constexpr std::uint8_t max_code() noexcept {
    return static_cast<std::uint8_t>(codec::max_code);
  }
  NVQ_HD static constexpr std::uint8_t nan_code() noexcept {
    return static_cast<std::uint8_t>(codec::nan_code);
  }

 private:
  using codec = detail::minifloat<E, M, S, Bias, Signed>;

  NVQ_HD static constexpr std::uint8_t nearest(float x) noexcept {
#if defined(__CUDA_ARCH__)
    constexpr bool e4m3 = E == 4 && M == 3 && S == Specials::nan_only && Bias == 7;
    constexpr bool e2m1 = E == 2 && M == 1 && S == Specials::none && Bias == 1 && Signed;
    if (!__builtin_is_constant_evaluated()) {
#if NVQ_HAS_CVT_FP8
      if constexpr (e4m3) {
        const auto code = static_cast<std::uint8_t>(detail::ptx::e4m3x2(x, 0.0f));
        return !Signed && (code & 0x80u) != 0 ? std::uint8_t{0} : code;
      }
#endif
#if NVQ_HAS_CVT_FP4
      if constexpr (e2m1) return static_cast<std::uint8_t>(detail::ptx::e2m1x2(x, 0.0f));
#endif
    }
    (void)e4m3, (void)e2m1;
#endif
    return static_cast<std::uint8_t>(codec::encode_nearest(x));
  }
};

using E2M1 = Float<2, 1>;  ///< OCP FP4: 0 0.5 1 1.5 2 3 4 6
using E2M3 = Float<2, 3>;  ///< OCP FP6, max 7.5
using E3M2 = Float<3, 2>;  ///< OCP FP6, max 28
using E4M3 =
    Float<4, 3, Specials::nan_only>;       ///< OCP FP8 E4M3, that is E4M3FN: max 448, one NaN, no infinity
using E5M2 = Float<5, 2, Specials::ieee>;  ///< OCP FP8 E5M2: max 57344, infinity and NaN
using E4M3FNUZ = Float<4, 3, Specials::fnuz>;  ///< AMD FP8 (CDNA3): bias 8, max 240, NaN is 0x80
using E5M2FNUZ = Float<5, 2, Specials::fnuz>;  ///< AMD FP8 (CDNA3): bias 16, max 57344, NaN is 0x80
using UE4M3 =
    Float<4, 3, Specials::nan_only, 7, false>;  ///< E4M3 without a sign: the block scale of NVFP4, 7 bits

/// A signed integer in N bits, two's complement. Encoding rounds and clamps to [-2^(N-1), 2^(N-1)-1]; NaN
/// becomes 0.
template <int N>
struct Int {
  static_assert(N >= 2 && N <= 8, "nvq::Int: an element has 2 to 8 bits");

  static constexpr int bits = N;
  static constexpr bool is_signed = true;
  static constexpr bool is_integer = true;
  static constexpr bool has_nan = false;
  static constexpr bool has_infinity = false;

  static constexpr const char* name() noexcept { return N == 8 ? "Int8" : N == 4 ? "Int4" : "Int"; }

  NVQ_HD static constexpr float largest() noexcept { return static_cast<float>((1 << (N - 1)) - 1); }
  NVQ_HD static constexpr float lowest() noexcept { return static_cast<float>(-(1 << (N - 1))); }
  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept {
    const int value = code & ((1 << N) - 1);
    return static_cast<float>(value >= (1 << (N - 1)) ? value - (1 << N) : value);
  }
  NVQ_HD static constexpr std::uint8_t encode(float x) noexcept {
    // The sum with 1.5 * 2^23 is rounded to an integer, and ends in it.
    const float sum = add_rn(at_least(at_most(x, largest()), lowest()), 12582912.0f);
    return is_nan(x) ? std::uint8_t{0} : static_cast<std::uint8_t>(float_bits(sum) & ((1u << N) - 1));
  }
  NVQ_HD static constexpr std::uint8_t encode_stochastic(float x, std::uint32_t random) noexcept {
    if (is_nan(x)) return 0;
    const float clamped = clamp(x, lowest(), largest());
    // The value in units of 2^-32, rounded up: at most 40 bits, since |clamped| <= 2^7.
    const std::uint32_t b = float_bits(clamped);
    const int exponent = static_cast<int>(b >> 23 & 0xFFu), drop = 118 - exponent;
    const std::int64_t magnitude = (b & 0x7FFFFFu) | (exponent == 0 ? 0u : 0x800000u);
    const std::int64_t m = sign_bit(clamped) ? -magnitude : magnitude;
    const std::int64_t units = drop <= 0 ? m * (std::int64_t{1} << -drop) : -(-m >> (drop < 24 ? drop : 24));
    const std::int64_t carried = units + (0xFFFFFFFF - std::int64_t{random});  // past the next integer: up
    return static_cast<std::uint8_t>((carried >> 32) & ((1 << N) - 1));
  }
};

/// An unsigned integer in N bits. Encoding rounds and clamps to [0, 2^N-1]; NaN becomes 0. Stored with a zero
/// point.
template <int N>
struct UInt {
  static_assert(N >= 2 && N <= 8, "nvq::UInt: an element has 2 to 8 bits");

  static constexpr int bits = N;
  static constexpr bool is_signed = false;
  static constexpr bool is_integer = true;
  static constexpr bool has_nan = false;
  static constexpr bool has_infinity = false;

  static constexpr const char* name() noexcept { return N == 8 ? "UInt8" : N == 4 ? "UInt4" : "UInt"; }

  NVQ_HD static constexpr float largest() noexcept { return static_cast<float>((1 << N) - 1); }
  NVQ_HD static constexpr float lowest() noexcept { return 0.0f; }
  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept {
    return static_cast<float>(code & ((1 << N) - 1));
  }
  NVQ_HD static constexpr std::uint8_t encode(float x) noexcept {
    const float sum = add_rn(at_least(at_most(x, largest()), 0.0f), 8388608.0f);  // 2^23, as in Int
    return is_nan(x) ? std::uint8_t{0} : static_cast<std::uint8_t>(float_bits(sum) & ((1u << N) - 1));
  }
};

using Int4 = Int<4>;
using Int8 = Int<8>;
using UInt4 = UInt<4>;

/// NormalFloat4 of QLoRA (arXiv 2305.14314): 16 quantiles of a normal distribution in [-1, 1], the table of
/// bitsandbytes. Encoding picks the nearest entry by bitsandbytes' decision thresholds; NaN becomes code 0
/// (-1), as its kernels do.
struct NormalFloat4 {
  static constexpr int bits = 4;
  static constexpr bool is_signed = true;
  static constexpr bool has_nan = false;
  static constexpr bool has_infinity = false;

  static constexpr const char* name() noexcept { return "NF4"; }

  NVQ_HD static constexpr float largest() noexcept { return 1.0f; }
  NVQ_HD static constexpr float lowest() noexcept { return -1.0f; }
  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept { return detail::nf4_value(code & 15u); }
  NVQ_HD static constexpr std::uint8_t encode(float x) noexcept { return detail::nf4_code(x); }
};

/// E8M0 of the OCP Microscaling specification: 2^(code - 127), no zero, no sign, 0xFF is NaN.
///
/// Encoding ignores the sign; zero and everything up to 2^-127 becomes 0x00, NaN becomes 0xFF.
/// Rounding::toward_zero and away_from_zero are CUDA's cudaRoundZero and cudaRoundPosInf; overflow gives
/// 0xFE, or 0xFF with Overflow::special.
struct E8M0 {
  static constexpr int bits = 8;
  static constexpr bool is_signed = false;
  static constexpr bool has_nan = true;
  static constexpr bool has_infinity = false;

  static constexpr const char* name() noexcept { return "E8M0"; }

  NVQ_HD static constexpr float largest() noexcept { return exp2i(127); }
  NVQ_HD static constexpr float lowest() noexcept { return exp2i(-127); }
  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept {
    return code == 0xFF ? quiet_nan() : exp2i(static_cast<int>(code) - 127);
  }
  NVQ_HD static constexpr std::uint8_t encode(float x, Rounding rounding = Rounding::nearest_even,
                                              Overflow overflow = Overflow::saturate) noexcept {
    const std::uint32_t a = float_bits(x) & 0x7FFFFFFFu;
    if (a > 0x7F800000u) return 0xFF;
    if (a == 0x7F800000u) return overflow == Overflow::special ? 0xFF : 0xFE;
    if (a <= 0x00400000u) return 0;
    // Below 2^-126 the bits are a multiple of 2^-149 and the neighbours are 2^-127 (0x00400000) and 2^-126.
    const std::uint32_t exponent = a >> 23;
    const std::uint32_t rest = exponent == 0 ? (a - 0x00400000u) << 1 : a & 0x7FFFFFu;
    std::uint32_t up = 0;
    if (rounding == Rounding::away_from_zero) up = rest != 0;
    if (rounding == Rounding::nearest_even)
      up = rest > 0x400000u || (rest == 0x400000u && (exponent & 1u) != 0);
    const std::uint32_t code = exponent + up;
    if (code > 0xFE) return overflow == Overflow::special ? 0xFF : 0xFE;
    return static_cast<std::uint8_t>(code);
  }
};

NVQ_END_NAMESPACE
