// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/random.hpp>
#include <nvq/simd/plan.hpp>

// The random bits of stochastic rounding for the kernels.

NVQ_BEGIN_NAMESPACE

namespace simd {

/// Where the bits of a row come from: `first` is the index of its first value in the tensor.
struct draws {
  std::uint64_t seed, first;
};

/// Whether stochastic rounding to the element has kernels.
template <class E>
inline constexpr bool draws_for = is_signed_float<E> || is_signed_integer<E>;

/// The random bits of up to `most` values, one after the other.
template <class Isa>
class random_buffer {
 public:
  static constexpr std::int64_t most = 1024;
  /// Those of n values from `index` on; n is at most `most`.
  const std::uint32_t* fill(std::uint64_t seed, std::uint64_t index, std::int64_t n) noexcept {
    const std::uint64_t first = index / 4, skipped = index % 4;
    const std::int64_t words = static_cast<std::int64_t>(skipped) + n;
    for (std::int64_t i = 0; i < words; i += 64) {
      const std::uint64_t counter = first + static_cast<std::uint64_t>(i / 4);
      if (static_cast<std::uint32_t>(counter) <= 0xFFFFFFF0u)
        Isa::random(seed, counter, words_ + i);
      else  // the low half of the counter carries
        for (std::uint64_t j = 0; j < 64; ++j)
          words_[static_cast<std::uint64_t>(i) + j] = random_bits(seed, counter * 4 + j);
    }
    return words_ + skipped;
  }

 private:
  std::uint32_t words_[most + 64];
};

/// Encodes n values, a multiple of 16, of which every B consecutive ones have an operand.
template <class Isa, class E, Operation Op, int B, class T>
void encode_drawn(const T* in, std::int64_t n, const float* operands, draws d, std::uint8_t* out) noexcept {
  constexpr std::int64_t piece = B <= random_buffer<Isa>::most ? random_buffer<Isa>::most / B * B : B;
  static_assert(piece <= random_buffer<Isa>::most, "nvq: a block is longer than the buffer");
  random_buffer<Isa> random;
  for (std::int64_t i = 0; i < n; i += piece) {
    const std::int64_t count = n - i < piece ? n - i : piece;
    Isa::template encode_stochastic<E, Op, B>(
        in + i, count, operands + i / B, random.fill(d.seed, d.first + static_cast<std::uint64_t>(i), count),
        out + i * E::bits / 8);
  }
}

}  // namespace simd

NVQ_END_NAMESPACE
