// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/rounding.hpp>

NVQ_BEGIN_NAMESPACE

/// Which codes of a floating-point element are not finite numbers.
enum class Specials {
  none,      ///< every code is a finite number (E2M1, E2M3, E3M2)
  nan_only,  ///< the code with all magnitude bits set is NaN, there is no infinity (OCP E4M3, "fn")
  ieee,      ///< the largest exponent holds infinity and NaNs, as IEEE 754 does (E5M2, binary16)
  fnuz,      ///< the code of negative zero is the one NaN, there is no infinity and no negative zero (AMD)
};

namespace detail {

/// The arithmetic shared by all small floating-point formats: sign (optional), E exponent bits, M mantissa
/// bits, subnormals.
template <int E, int M, Specials S, int Bias, bool Signed>
struct minifloat {
  static_assert(E >= 1 && E <= 8 && M >= 0 && E + M <= 15,
                "nvq: a Float has 1..8 exponent bits, at most 15 in all");

  using code = std::uint32_t;

  static constexpr int emin = 1 - Bias;  ///< exponent of the smallest normal number
  static constexpr code magnitude_mask = (code{1} << (E + M)) - 1;
  static constexpr code sign_mask = Signed ? code{1} << (E + M) : 0;
  static constexpr code mantissa_mask = (code{1} << M) - 1;
  static constexpr code max_code = S == Specials::nan_only ? magnitude_mask - 1
                                   : S == Specials::ieee   ? (((code{1} << E) - 1) << M) - 1
                                                           : magnitude_mask;
  static_assert(static_cast<int>(max_code >> M) - Bias <= 127,
                "nvq: the largest value of a Float exceeds float");
  static constexpr bool has_infinity = S == Specials::ieee;
  static constexpr bool has_nan = S != Specials::none;
  static constexpr code infinity_code = max_code + 1;
  static constexpr code nan_code = S == Specials::fnuz   ? sign_mask
                                   : S == Specials::none ? max_code
                                                         : magnitude_mask;

  NVQ_HD static constexpr float decode(code c) noexcept {
    const code magnitude = c & magnitude_mask;
    const std::uint32_t sign = (c & sign_mask) != 0 ? 0x80000000u : 0u;
    if (S == Specials::fnuz && c == sign_mask) return quiet_nan();
    if (S == Specials::nan_only && magnitude == magnitude_mask) return quiet_nan();
    if (S == Specials::ieee && magnitude > max_code)
      return magnitude == infinity_code ? float_from_bits(sign | 0x7F800000u) : quiet_nan();
    const int exponent = static_cast<int>(magnitude >> M);
    const code mantissa = magnitude & mantissa_mask;
    if (exponent == 0) {
      // mantissa * 2^(emin - M) is exact: at most 15 bits and never below 2^-149.
      const float value = mul_rn(static_cast<float>(mantissa), exp2i(emin - M));
      return float_from_bits(sign | float_bits(value));
    }
    return float_from_bits(sign | (static_cast<std::uint32_t>(exponent - Bias + 127) << 23) |
                           (mantissa << (23 - M)));
  }

  // The significand of |x| as an integer m and the number of its bits to drop, so that the code
  // is base + (m >> drop) before rounding. One path serves normal, subnormal and zero.
  struct scaled {
    code base;
    std::uint32_t m;
    int drop;
  };
  NVQ_HD static constexpr scaled scale(std::uint32_t a) noexcept {
    const int field = static_cast<int>(a >> 23);
    const int exponent = field == 0 ? -126 : field - 127;
    const std::uint32_t m = (a & 0x7FFFFFu) | (field == 0 ? 0u : 0x800000u);
    if (exponent < emin) return {0, m, 23 - M + (emin - exponent)};
    return {static_cast<code>(exponent - emin) << M, m, 23 - M};
  }

  NVQ_HD static constexpr code finish(code q, bool negative, Overflow overflow) noexcept {
    if (q > max_code) {
      if (overflow == Overflow::special && has_infinity)
        q = infinity_code;
      else if (overflow == Overflow::special && has_nan)
        q = nan_code;
      else
        q = max_code;
    }
    if (S == Specials::fnuz && q == 0) return 0;
    return negative ? q | sign_mask : q;
  }

  NVQ_HD static constexpr code encode(float x, Rounding rounding, Overflow overflow) noexcept {
    const std::uint32_t bits = float_bits(x), a = bits & 0x7FFFFFFFu;
    const bool negative = (bits >> 31) != 0;
    if (a > 0x7F800000u) return nan_code;
    if (!Signed && negative) return 0;
    if (a == 0x7F800000u) return finish(max_code + 1, negative, overflow);
    const scaled s = scale(a);
    if (s.drop > 25) {  // below a quarter of the smallest subnormal
      const code q = rounding == Rounding::away_from_zero && s.m != 0 ? 1 : 0;
      return finish(q, negative, overflow);
    }
    code q = s.base + (s.m >> s.drop);
    const std::uint32_t rest = s.m & ((1u << s.drop) - 1), half = (1u << s.drop) >> 1;
    if (rounding == Rounding::nearest_even) {
      q += static_cast<code>(rest > half || (rest == half && s.drop != 0 && (q & 1u) != 0));
    } else if (rounding == Rounding::away_from_zero) {
      q += static_cast<code>(rest != 0);
    } else if (q > max_code) {
      q = max_code;  // a finite value does not round to a special toward zero
    }
    return finish(q, negative, overflow);
  }

  /// Whether encode_by_addition() applies.
  static constexpr bool adds = Signed && S != Specials::fnuz && M >= 1 && emin >= -126 && E + M <= 7;

  /// encode() to nearest even, saturating, in the fewest operations of a GPU: one addition rounds, to a multiple of the
  /// code's own step. What is added is 2^e, e the value's exponent or the smallest, times a constant which makes the unit
  /// in the last place that step, and holds an even number so that the sum ends in the code.
  NVQ_HD static constexpr code encode_by_addition(float x) noexcept {
    static_assert(adds, "nvq: this Float has no encode_by_addition()");
    constexpr std::uint32_t first = static_cast<std::uint32_t>(emin + 127);
    constexpr float shift = float_from_bits(static_cast<std::uint32_t>(127 + 23 - M) << 23 |
                                            ((0u - (first << M)) & magnitude_mask));
    constexpr float limit = decode(max_code);
    const float signed_x = has_nan ? x : at_most(x, limit);  // NaN becomes the largest value
    const float m = min_magnitude(limit, signed_x);
    const std::uint32_t power = float_bits(at_least(m, exp2i(emin))) & 0x7F800000u;
#if defined(__CUDA_ARCH__)
    const float sum = fma_rn(float_from_bits(power), shift, m);
#else
    const float sum = add_rn(mul_rn(float_from_bits(power), shift), m);  // the product is exact
#endif
    const code low = float_bits(sum) + (power >> (23 - M));
    const code q = (low & magnitude_mask) | (float_bits(signed_x) >> (31 - E - M) & ~magnitude_mask);
    return has_nan && is_nan(x) ? nan_code : q;
  }

  /// encode() to nearest even, saturating, in fewer operations: below the smallest normal number a float addition rounds,
  /// above it an integer one does.
  NVQ_HD static constexpr code encode_nearest(float x) noexcept {
#if defined(__CUDA_ARCH__)
    if constexpr (adds)
      if (!__builtin_is_constant_evaluated()) return encode_by_addition(x);
#endif
    constexpr int magic_exponent =
        23 + emin - M;  // of the float whose unit in the last place is the smallest subnormal
    if constexpr (emin < -126 || magic_exponent > 127) {
      return encode(x, Rounding::nearest_even, Overflow::saturate);
    } else {
      // Everything is computed and chosen from: choices between values are no branches.
      const std::uint32_t bits = float_bits(x), a = bits & 0x7FFFFFFFu;
      if (__builtin_is_constant_evaluated() && a > 0x7F800000u)
        return nan_code;  // no arithmetic on NaN there
      const float magic = exp2i(magic_exponent);
      const code subnormal = float_bits(add_rn(float_from_bits(a), magic)) - float_bits(magic);
      constexpr int drop = 23 - M;
      const std::uint32_t half = drop == 0 ? 0 : ((1u << drop) >> 1) - 1 + ((a >> drop) & 1u);
      const code normal = ((a + half) >> drop) - (static_cast<code>(127 - Bias) << M);
      code q = a < static_cast<std::uint32_t>(emin + 127) << 23 ? subnormal : normal;
      q = q > max_code ? max_code : q;
      if (Signed)
        q |= S == Specials::fnuz && q == 0 ? 0 : (bits >> (31 - E - M)) & sign_mask;
      else
        q = (bits >> 31) != 0 ? 0 : q;
      return a > 0x7F800000u ? nan_code : q;
    }
  }

  NVQ_HD static constexpr code encode_stochastic(float x, std::uint32_t random, Overflow overflow) noexcept {
    const std::uint32_t bits = float_bits(x), a = bits & 0x7FFFFFFFu;
    const bool negative = (bits >> 31) != 0;
    if (a > 0x7F800000u) return nan_code;
    if (!Signed && negative) return 0;
    if (a == 0x7F800000u) return finish(max_code + 1, negative, overflow);
    const scaled s = scale(a);
    // Up with probability rest / 2^drop, that is when random / 2^32 < rest / 2^drop.
    if (s.drop >= 32) {
      const int extra = s.drop < 56 ? s.drop - 32 : 24;  // m < 2^24: from there on only random = 0 is less
      const bool up = (static_cast<std::uint64_t>(random) << extra) < s.m;
      return finish(up ? 1 : 0, negative, overflow);
    }
    const code floor_code = s.drop >= 24 ? s.base : s.base + (s.m >> s.drop);
    const std::uint32_t rest = s.drop >= 24 ? s.m : s.m & ((1u << s.drop) - 1);
    const bool up = (static_cast<std::uint64_t>(random) << s.drop) < (static_cast<std::uint64_t>(rest) << 32);
    return finish(floor_code + static_cast<code>(up), negative, overflow);
  }
};

}  // namespace detail

NVQ_END_NAMESPACE
