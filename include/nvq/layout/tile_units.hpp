// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/layout/tile_places.hpp>

// Units that follow each other in a buffer, to one unit an element and back; rows of a tile to columns.

NVQ_BEGIN_NAMESPACE
namespace layout {
namespace tiles {

template <class U>
struct tile {
  U unit[side][side];
};

/// Words of the machine are read and written as those of little-endian ones: nibbles in order of significance.
#if defined(__BYTE_ORDER__) && defined(__ORDER_LITTLE_ENDIAN__) && !defined(__CUDACC_RTC__)
constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
#else
constexpr bool little_endian = false;
#endif

template <class W>
W word_at(const void* p) noexcept {
  W word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}
template <class W>
void put_word(void* p, W word) noexcept {
  __builtin_memcpy(p, &word, sizeof word);
}

/// The 8 bytes of `spread` are the 8 nibbles of a word, and back.
inline std::uint64_t spread(std::uint32_t word) noexcept {
  std::uint64_t x = word;
  x = (x | x << 16) & 0x0000FFFF0000FFFFu;
  x = (x | x << 8) & 0x00FF00FF00FF00FFu;
  return (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
}
inline std::uint32_t joined(std::uint64_t x) noexcept {
  x = (x | x >> 4) & 0x00FF00FF00FF00FFu;
  x = (x | x >> 8) & 0x0000FFFF0000FFFFu;
  return static_cast<std::uint32_t>(x | x >> 16);
}

template <class L, class U>
U read_unit(const U* in, std::int64_t at) noexcept {
  if constexpr (L::bits() == 4)
    return static_cast<U>(in[at / 2] >> (at % 2 * 4) & 0xF);
  else
    return in[at];
}
template <class L, class U>
void write_unit(U* out, std::int64_t at, U unit) noexcept {
  if constexpr (L::bits() == 4) {
    const int shift = static_cast<int>(at % 2 * 4);
    out[at / 2] = static_cast<U>((out[at / 2] & ~(0xF << shift)) | (unit & 0xF) << shift);
  } else {
    out[at] = unit;
  }
}

/// N units that follow each other, an even number of units from the beginning.
template <class L, int N, class U>
void read_run(const U* in, std::int64_t at, U* units) noexcept {
  if constexpr (L::bits() != 4) {
    __builtin_memcpy(units, in + at, N * sizeof(U));
  } else if constexpr (N == 8) {
    put_word(units, spread(word_at<std::uint32_t>(in + at / 2)));
  } else {
    // Plain loops over arrays of one's own become vectors of the narrowest instruction set.
    constexpr auto n = static_cast<std::size_t>(N);
    std::uint8_t packed[n / 2], out[n];
    __builtin_memcpy(packed, in + at / 2, N / 2);
    for (int i = 0; i < N / 2; ++i) {
      out[2 * i] = packed[i] & 0xF;
      out[2 * i + 1] = static_cast<std::uint8_t>(packed[i] >> 4);
    }
    __builtin_memcpy(units, out, N);
  }
}
template <class L, int N, class U>
void write_run(U* out, std::int64_t at, const U* units) noexcept {
  if constexpr (L::bits() != 4) {
    __builtin_memcpy(out + at, units, N * sizeof(U));
  } else if constexpr (N == 8) {
    put_word(out + at / 2, joined(word_at<std::uint64_t>(units) & 0x0F0F0F0F0F0F0F0Fu));
  } else {
    constexpr auto n = static_cast<std::size_t>(N);
    std::uint16_t pairs[n / 2];
    std::uint8_t packed[n / 2];
    __builtin_memcpy(pairs, units, N);
    for (int i = 0; i < N / 2; ++i)
      packed[i] = static_cast<std::uint8_t>((pairs[i] & 0xF) | (pairs[i] >> 4 & 0xF0));
    __builtin_memcpy(out + at / 2, packed, N / 2);
  }
}

template <class U>
void transpose(const tile<U>& in, tile<U>& out) noexcept {
  for (std::int64_t i = 0; i < side; i += 8)
    for (std::int64_t j = 0; j < side; j += 8)
      for (std::int64_t a = 0; a < 8; ++a)
        for (std::int64_t b = 0; b < 8; ++b) out.unit[j + b][i + a] = in.unit[i + a][j + b];
}
#if !defined(__CUDACC_RTC__)
/// Blocks of 8 x 8 bytes in eight words: halves, quarters and eighths change places.
inline void transpose(const tile<std::uint8_t>& in, tile<std::uint8_t>& out) noexcept {
  const auto swap = [](std::uint64_t& a, std::uint64_t& b, int shift, std::uint64_t mask) {
    const std::uint64_t t = (a >> shift ^ b) & mask;
    b ^= t;
    a ^= t << shift;
  };
  for (std::int64_t i = 0; i < side; i += 8)
    for (std::int64_t j = 0; j < side; j += 8) {
      std::uint64_t w[8];
      for (std::int64_t a = 0; a < 8; ++a) __builtin_memcpy(&w[a], &in.unit[i + a][j], 8);
      for (int a = 0; a < 4; ++a) swap(w[a], w[a + 4], 32, 0x00000000FFFFFFFFu);
      for (int a = 0; a < 8; a += 4)
        for (int b = 0; b < 2; ++b) swap(w[a + b], w[a + b + 2], 16, 0x0000FFFF0000FFFFu);
      for (int a = 0; a < 8; a += 2) swap(w[a], w[a + 1], 8, 0x00FF00FF00FF00FFu);
      for (std::int64_t b = 0; b < 8; ++b) __builtin_memcpy(&out.unit[j + b][i], &w[b], 8);
    }
}
#endif

}  // namespace tiles
}  // namespace layout
NVQ_END_NAMESPACE
