// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/ptx.cuh>
#include <nvq/cuda/registers.cuh>
#include <type_traits>

// A 32-bit word of codes to pairs of halves or bfloat16s: the values of the elements, exactly.
//
// Bits of small floats are shifted into the place they have in the wider one, and a multiplication by a power of
// two corrects the exponent, of subnormals too. Integers are put into the mantissa of 1024 (half) or 128
// (bfloat16), which is then taken off. Where there is an instruction, it is used.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

template <class T>
inline constexpr bool is_half = std::is_same<T, half>::value;

template <class T>
NVQ_HD std::uint32_t make_pair(float low, float high) noexcept {
  return is_half<T> ? ptx::f16x2(low, high) : ptx::bf16x2(low, high);
}
template <class T>
NVQ_HD std::uint32_t mul_pair(std::uint32_t a, std::uint32_t b) noexcept {
  return is_half<T> ? ptx::mul_f16x2(a, b) : ptx::mul_bf16x2(a, b);
}
template <class T>
NVQ_HD std::uint32_t sub_pair(std::uint32_t a, std::uint32_t b) noexcept {
  return is_half<T> ? ptx::sub_f16x2(a, b) : ptx::sub_bf16x2(a, b);
}
template <class T>
NVQ_HD float low_of(std::uint32_t pair) noexcept {
  return to_float(T::from_bits(static_cast<std::uint16_t>(pair)));
}
template <class T>
NVQ_HD float high_of(std::uint32_t pair) noexcept {
  if constexpr (is_half<T>)
    return low_of<T>(pair >> 16);
  else
    return float_from_bits(pair & 0xFFFF0000u);
}
NVQ_HD constexpr std::uint32_t both(std::uint32_t half_word) noexcept { return half_word | half_word << 16; }

/// Nibbles n0 n1 n2 n3 of the low half of q to the bytes n0 n1 n2 n3, each nibble in the upper four bits; the
/// lower ones are not defined.
NVQ_HD inline std::uint32_t nibbles_to_bytes(std::uint32_t q) noexcept {
  return ptx::prmt(q << 4, q, 0x5140u);
}

/// Pairs (n0, n4) (n1, n5) ... to pairs (n0, n1) (n2, n3) ...
NVQ_HD inline void sort_pairs(const std::uint32_t (&p)[4], std::uint32_t (&out)[4]) noexcept {
  out[0] = ptx::prmt(p[0], p[1], 0x5410u);
  out[1] = ptx::prmt(p[2], p[3], 0x5410u);
  out[2] = ptx::prmt(p[0], p[1], 0x7632u);
  out[3] = ptx::prmt(p[2], p[3], 0x7632u);
}

/// E, T: `decode(word, out)` where there is a way through words, `exists` tells.
template <class E, class T>
struct decode_word {
  static constexpr bool exists = false;
};

template <class T>
struct decode_word<E2M1, T> {
  static constexpr bool exists = true;
  static constexpr int bias = is_half<T> ? 14 : 126;

  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
#if NVQ_HAS_CVT_FP4
    if constexpr (is_half<T>)
      nvq::detail::ptx::f16x2_from_e2m1x8(q, out);
    else
      decode_by_table(q, out);
#else
    decode_by_table(q, out);
#endif
  }
  NVQ_HD static void decode_by_table(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i, q >>= 16) {
      // The bytes of the eight magnitudes, by their codes.
      const std::uint32_t code = q & 0x7777u, sign = nibbles_to_bytes(q) & 0x80808080u;
      if constexpr (is_half<T>) {
        const std::uint32_t high = ptx::prmt(0x3E3C3800u, 0x46444240u, code) | sign;
        out[2 * i] = ptx::prmt(high, 0, 0x1404u);
        out[2 * i + 1] = ptx::prmt(high, 0, 0x3424u);
      } else {
        const std::uint32_t high = ptx::prmt(0x3F3F3F00u, 0x40404040u, code) | sign;
        const std::uint32_t low = ptx::prmt(0xC0800000u, 0xC0804000u, code);
        out[2 * i] = ptx::prmt(low, high, 0x5140u);
        out[2 * i + 1] = ptx::prmt(low, high, 0x7362u);
      }
    }
  }
  /// Values times 2^-bias, from the interleaved order.
  NVQ_HD static void decode_biased(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) {
      const std::uint32_t x = q << (12 - 4 * i);
      out[i] = (x & 0x80008000u) | (x & 0x70007000u) >> (is_half<T> ? 3 : 6);
    }
  }
};

template <class T>
struct decode_word<E4M3, T> {
  static constexpr bool exists = true;
  static constexpr int bias = is_half<T> ? 8 : 120;

  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[2]) noexcept {
#if NVQ_HAS_CVT_FP8
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i) {
      const std::uint32_t p = nvq::detail::ptx::f16x2_from_e4m3x2(q >> 16 * i);
      out[i] = is_half<T> ? p : make_pair<T>(low_of<half>(p), high_of<half>(p));
    }
#else
    std::uint32_t biased[2] = {};
    decode_biased(q, biased);
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i) {
      // Adding 1 carries into the sign of the one magnitude that is NaN.
      const std::uint32_t magnitude = ptx::prmt(q, 0, i == 0 ? 0x1404u : 0x3424u) & 0x7F007F00u;
      const std::uint32_t is_nan = (magnitude + 0x01000100u) & 0x80008000u;
      const std::uint32_t power = both(is_half<T> ? 0x5C00u : 0x7B80u);  // 2^bias
      out[i] = mul_pair<T>(biased[i], power) | (is_nan - (is_nan >> (is_half<T> ? 6 : 9)));
    }
#endif
  }
  /// Values times 2^-bias; NaN reads as 480.
  NVQ_HD static void decode_biased(std::uint32_t q, std::uint32_t (&out)[2]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i) {
      const std::uint32_t x = ptx::prmt(q, 0, i == 0 ? 0x1404u : 0x3424u);
      out[i] = (x & 0x80008000u) | (x & 0x7F007F00u) >> (is_half<T> ? 1 : 4);
    }
  }
};

template <class T>
struct decode_word<E5M2, T> {
  static constexpr bool exists = true;
  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[2]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i) {
      const std::uint32_t p = ptx::prmt(q, 0, i == 0 ? 0x1404u : 0x3424u);  // the upper byte of a half
      out[i] = is_half<T> ? p : make_pair<T>(low_of<half>(p), high_of<half>(p));
    }
  }
};

/// Six-bit floats do not fill words: `decode_pair` takes two codes in the low twelve bits.
template <class E, class T, int Shift, int Bias>
struct decode_six_bits {
  static constexpr bool exists = true;
  NVQ_HD static std::uint32_t decode_pair(std::uint32_t codes) noexcept {
    // Each code at the top of its half, then its magnitude where the wider float has it, times 2^Bias.
    const std::uint32_t x = (codes << 10 & 0x0000FC00u) | (codes << 20 & 0xFC000000u);
    return mul_pair<T>((x & 0x80008000u) | (x & 0x7C007C00u) >> Shift,
                       both(is_half<T> ? (15u + Bias) << 10 : (127u + Bias) << 7));
  }
};
template <class T>
struct decode_word<E2M3, T> : decode_six_bits<E2M3, T, is_half<T> ? 3 : 6, is_half<T> ? 14 : 126> {
#if NVQ_HAS_CVT_FP4
  NVQ_HD static std::uint32_t decode_pair(std::uint32_t codes) noexcept {
    if constexpr (is_half<T>)
      return nvq::detail::ptx::f16x2_from_e2m3x2((codes & 0x3Fu) | (codes << 2 & 0x3F00u));
    else
      return decode_six_bits<E2M3, T, 6, 126>::decode_pair(codes);
  }
#endif
};
template <class T>
struct decode_word<E3M2, T> : decode_six_bits<E3M2, T, is_half<T> ? 2 : 5, is_half<T> ? 12 : 124> {
#if NVQ_HAS_CVT_FP4
  NVQ_HD static std::uint32_t decode_pair(std::uint32_t codes) noexcept {
    if constexpr (is_half<T>)
      return nvq::detail::ptx::f16x2_from_e3m2x2((codes & 0x3Fu) | (codes << 2 & 0x3F00u));
    else
      return decode_six_bits<E3M2, T, 5, 124>::decode_pair(codes);
  }
#endif
};

/// 1024 or 128, where the low bits of the mantissa count ones.
template <class T>
inline constexpr std::uint32_t integer_magic = is_half<T> ? 0x6400u : 0x4300u;

template <class T>
struct decode_word<UInt4, T> {
  static constexpr bool exists = true;
  /// Codes less `zero_point`, in the interleaved order.
  NVQ_HD static void decode_interleaved(std::uint32_t q, std::uint32_t (&out)[4],
                                        std::uint32_t zero_point = 0) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i)
      out[i] = sub_pair<T>(ptx::and_or(q >> 4 * i, 0x000F000Fu, both(integer_magic<T>)),
                           both(integer_magic<T> + zero_point));
  }
  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[4], std::uint32_t zero_point = 0) noexcept {
    std::uint32_t pairs[4];
    decode_interleaved(q, pairs, zero_point);
    sort_pairs(pairs, out);
  }
};

template <class T>
struct decode_word<Int4, T> {
  static constexpr bool exists = true;
  // Turning the sign bit over makes two's complement an unsigned integer less 8.
  NVQ_HD static void decode_interleaved(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i)
      out[i] = sub_pair<T>(ptx::and_xor(q >> 4 * i, 0x000F000Fu, both(integer_magic<T> + 8)),
                           both(integer_magic<T> + 8));
  }
  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
    std::uint32_t pairs[4];
    decode_interleaved(q, pairs);
    sort_pairs(pairs, out);
  }
};

template <class T>
struct decode_word<Int8, T> {
  static constexpr bool exists = true;
  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[2]) noexcept {
    const std::uint32_t u = q ^ 0x80808080u;
    if constexpr (is_half<T>) {
      out[0] = sub_pair<T>(ptx::prmt(u, 0x64646464u, 0x4140u), both(0x6480u));
      out[1] = sub_pair<T>(ptx::prmt(u, 0x64646464u, 0x4342u), both(0x6480u));
    } else {
      // bfloat16 has too few bits for 128 + u; 2^23 + u is a float.
      float value[4] = {};
      NVQ_UNROLL
      for (unsigned i = 0; i < 4; ++i)
        value[i] = sub_rn(float_from_bits(ptx::prmt(u, 0x4B000000u, 0x7440u | i)), 8388736.0f);
      out[0] = make_pair<T>(value[0], value[1]);
      out[1] = make_pair<T>(value[2], value[3]);
    }
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
