// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/float16.hpp>
#include <nvq/format.hpp>
#include <type_traits>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

// What the register functions take and return: codes in registers, and values as float or in pairs.

/// Before loops over registers: one that the compiler leaves as a loop would put them into memory.
#if defined(__CUDA_ARCH__)
#define NVQ_UNROLL _Pragma("unroll")
#else
#define NVQ_UNROLL
#endif

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// Codes that do not fit in an integer, least significant word first; loads and stores as one vector where the
/// number of words allows.
template <unsigned Words>
struct alignas(Words % 4 == 0   ? 16
               : Words % 2 == 0 ? 8
                                : 4) code_words {
  std::uint32_t word[Words];
};

namespace detail {

template <unsigned Bits>
using codes_of_bits = std::conditional_t<
    Bits <= 8, std::uint8_t,
    std::conditional_t<
        Bits <= 16, std::uint16_t,
        std::conditional_t<Bits <= 32, std::uint32_t,
                           std::conditional_t<Bits <= 64, std::uint64_t, code_words<(Bits + 31) / 32>>>>>;

template <class Codes>
inline constexpr unsigned word_count = (sizeof(Codes) + 3) / 4;

template <class Codes>
NVQ_HD void to_words(const Codes& codes, std::uint32_t (&words)[word_count<Codes>]) noexcept {
  NVQ_UNROLL
  for (unsigned i = 0; i < word_count<Codes>; ++i) {
    if constexpr (std::is_integral<Codes>::value)
      words[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(codes) >> 32 * i);
    else
      words[i] = codes.word[i];
  }
}

template <class Codes>
NVQ_HD Codes from_words(const std::uint32_t (&words)[word_count<Codes>]) noexcept {
  if constexpr (std::is_integral<Codes>::value) {
    std::uint64_t all = words[0];
    if constexpr (word_count<Codes> == 2) all |= static_cast<std::uint64_t>(words[1]) << 32;
    return static_cast<Codes>(all);
  } else {
    Codes codes;
    NVQ_UNROLL
    for (unsigned i = 0; i < word_count<Codes>; ++i) codes.word[i] = words[i];
    return codes;
  }
}

}  // namespace detail

/// The type that holds N codes of a format, the first in the lowest bits: the unsigned integer of 8, 16, 32 or
/// 64 bits that holds them, or code_words.
template <class F, unsigned N>
using codes_t = detail::codes_of_bits<F::element::bits * N>;

/// Two values of T (nvq::half or nvq::bfloat16) in a register, the first in the low bits; __half2 and
/// __nv_bfloat162 are taken in its place.
template <class T>
struct pair {
  std::uint32_t bits;
};

/// What the register functions need of a type of values: `value`, the type of one value (float, half,
/// bfloat16), and `count`, how many an object holds.
template <class T>
struct register_traits;

template <>
struct register_traits<float> {
  using value = float;
  static constexpr unsigned count = 1;
};
template <class T>
struct register_traits<pair<T>> {
  using value = T;
  static constexpr unsigned count = 2;
  NVQ_HD static std::uint32_t bits(pair<T> p) noexcept { return p.bits; }
  NVQ_HD static pair<T> from_bits(std::uint32_t bits) noexcept { return {bits}; }
};

#if defined(__CUDACC__)
namespace detail {
template <class Pair>
struct vendor_pair {
  static constexpr unsigned count = 2;
  NVQ_HD static std::uint32_t bits(const Pair& pair) noexcept {
    std::uint32_t bits;
    __builtin_memcpy(&bits, &pair, sizeof bits);
    return bits;
  }
  NVQ_HD static Pair from_bits(std::uint32_t bits) noexcept {
    Pair pair;
    __builtin_memcpy(static_cast<void*>(&pair), &bits, sizeof pair);
    return pair;
  }
};
}  // namespace detail
template <>
struct register_traits<__half2> : detail::vendor_pair<__half2> {
  using value = half;
};
template <>
struct register_traits<__nv_bfloat162> : detail::vendor_pair<__nv_bfloat162> {
  using value = bfloat16;
};
#endif

/// How the eight 4-bit codes of a word are ordered: `linear`, code i in nibble i; `interleaved`, code
/// {0, 2, 4, 6, 1, 3, 5, 7}[i] in nibble i, so that codes 2i and 2i + 1 lie 16 bits apart and become a pair by
/// shifts (the order inside the words of Marlin and AWQ).
enum class Order { linear, interleaved };

}  // namespace cuda

NVQ_END_NAMESPACE
