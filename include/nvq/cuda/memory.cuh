// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/config.hpp>
#include <nvq/cuda/registers.cuh>
#include <nvq/float16.hpp>

#if !defined(__CUDA_ARCH__)
#include <cstring>
#endif

// Runs of values and codes between memory and registers: vectors of up to 16 bytes where addresses allow, single
// elements and zeros where a row ends.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

template <unsigned Words>
NVQ_HD code_words<Words> load_words(const void* from) noexcept {
#if defined(__CUDA_ARCH__)
  return *static_cast<const code_words<Words>*>(from);
#else
  code_words<Words> words;
  std::memcpy(&words, from, sizeof words);
  return words;
#endif
}
template <unsigned Words>
NVQ_HD void store_words(void* to, const code_words<Words>& words) noexcept {
#if defined(__CUDA_ARCH__)
  *static_cast<code_words<Words>*>(to) = words;
#else
  std::memcpy(to, &words, sizeof words);
#endif
}

/// Words that are moved at once.
template <unsigned Words>
inline constexpr unsigned vector_words = Words % 4 == 0   ? 4
                                         : Words % 2 == 0 ? 2
                                                          : 1;

/// N values of a row from `from` on as floats; of the last run of a row only `count`, the others are 0. `aligned`:
/// every run of the matrix begins at a multiple of 16 bytes, or of its size if that is less.
template <unsigned N, class T>
NVQ_HD void load_values(const T* from, std::int64_t count, bool aligned, float (&values)[N]) noexcept {
  if constexpr (N * sizeof(T) % 4 == 0) {
    if (aligned && count >= N) {
      constexpr unsigned words = N * sizeof(T) / 4, step = vector_words<words>;
      for (unsigned w = 0; w < words; w += step) {
        const auto vector = load_words<step>(reinterpret_cast<const std::uint8_t*>(from) + 4 * w);
        for (unsigned i = 0; i < step; ++i) {
          const std::uint32_t word = vector.word[i];
          if constexpr (sizeof(T) == 4) {
            values[w + i] = float_from_bits(word);
          } else {
            values[2 * (w + i)] = to_float(T::from_bits(static_cast<std::uint16_t>(word)));
            values[2 * (w + i) + 1] = to_float(T::from_bits(static_cast<std::uint16_t>(word >> 16)));
          }
        }
      }
      return;
    }
  }
  for (unsigned i = 0; i < N; ++i) values[i] = i < count ? to_float(from[i]) : 0.0f;
}

/// `bytes` of the bytes of W words; `aligned` as above.
template <unsigned W>
NVQ_HD void store_bytes(std::uint8_t* to, const std::uint32_t (&words)[W], std::int64_t bytes,
                        bool aligned) noexcept {
  if (aligned && bytes == 4 * W) {
    constexpr unsigned step = vector_words<W>;
    for (unsigned w = 0; w < W; w += step) {
      code_words<step> vector;
      for (unsigned i = 0; i < step; ++i) vector.word[i] = words[w + i];
      store_words<step>(to + 4 * w, vector);
    }
  } else {
    for (unsigned i = 0; i < 4 * W; ++i)
      if (i < bytes) to[i] = static_cast<std::uint8_t>(words[i / 4] >> i % 4 * 8);
  }
}
template <unsigned W>
NVQ_HD void load_bytes(const std::uint8_t* from, std::uint32_t (&words)[W], std::int64_t bytes,
                       bool aligned) noexcept {
  if (aligned && bytes == 4 * W) {
    constexpr unsigned step = vector_words<W>;
    for (unsigned w = 0; w < W; w += step) {
      const auto vector = load_words<step>(from + 4 * w);
      for (unsigned i = 0; i < step; ++i) words[w + i] = vector.word[i];
    }
  } else {
    for (unsigned w = 0; w < W; ++w) words[w] = 0;
    for (unsigned i = 0; i < 4 * W; ++i)
      if (i < bytes) words[i / 4] |= static_cast<std::uint32_t>(from[i]) << i % 4 * 8;
  }
}

/// Whether runs of `run` bytes of rows that lie `row_bytes` apart can be moved as vectors.
NVQ_HD inline bool runs_aligned(const void* base, std::int64_t row_bytes, int run) noexcept {
  const int words = run / 4;
  const std::int64_t vector = words % 4 == 0 ? 16 : words % 2 == 0 ? 8 : 4;
  return run % 4 == 0 && reinterpret_cast<std::uintptr_t>(base) % static_cast<std::uintptr_t>(vector) == 0 &&
         row_bytes % vector == 0;
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
