// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/random.hpp>
#include <nvq/simd/thresholds.hpp>

// The random bits of stochastic rounding for the kernels.

NVQ_BEGIN_NAMESPACE

namespace simd {

/// Where the bits of a row come from: `first` is the index of its first value in the tensor.
struct draws {
  std::uint64_t seed, first;
  draws after(std::int64_t values) const noexcept {
    return {seed, first + static_cast<std::uint64_t>(values)};
  }
};

/// Whether stochastic rounding to the element has kernels.
template <class E>
inline constexpr bool draws_for = is_signed_float<E> || is_signed_integer<E>;

/// The random bits of up to `most` values, one after the other.
template <class Isa>
class random_buffer {
 public:
  static constexpr std::int64_t most = 1024;
  /// Those of n values; n is at most `most`.
  const std::uint32_t* fill(draws d, std::int64_t n) noexcept {
    const std::uint64_t first = d.first / 4, skipped = d.first % 4;
    const std::int64_t words = static_cast<std::int64_t>(skipped) + n;
    for (std::int64_t i = 0; i < words; i += 64) {
      const std::uint64_t counter = first + static_cast<std::uint64_t>(i / 4);
      if (static_cast<std::uint32_t>(counter) <= 0xFFFFFFF0u)
        Isa::random(d.seed, counter, words_ + i);
      else  // the low half of the counter carries
        for (std::uint64_t j = 0; j < 64; ++j)
          words_[static_cast<std::uint64_t>(i) + j] = random_bits(d.seed, counter * 4 + j);
    }
    return words_ + skipped;
  }

 private:
  std::uint32_t words_[most + 64];
};

/// Encodes whole blocks, each with its operand. For elements without kernels there are no calls.
template <class Isa, class F, class R, class T>
void encode_drawn(const T* in, std::int64_t blocks, const float* operands, draws d,
                  std::uint8_t* out) noexcept {
  using E = typename F::element;
  if constexpr (draws_for<E>) {
    constexpr std::int64_t B = F::block::columns, piece = random_buffer<Isa>::most / B;
    static_assert(piece > 0, "nvq: a block is longer than the buffer");
    random_buffer<Isa> random;
    for (std::int64_t i = 0; i < blocks; i += piece) {
      const std::int64_t n = (blocks - i < piece ? blocks - i : piece) * B;
      Isa::template encode_stochastic<E, operation<F, R>, static_cast<int>(B)>(
          in + i * B, n, operands + i, random.fill(d.after(i * B), n), out + i * B * E::bits / 8);
    }
  }
  (void)in, (void)blocks, (void)operands, (void)d, (void)out;
}

}  // namespace simd

NVQ_END_NAMESPACE
