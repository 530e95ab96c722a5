// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>
#include <nvq/cuda/pack.cuh>
#include <nvq/cuda/tensor_args.cuh>
#include <nvq/detail/pack.hpp>
#include <nvq/random.hpp>

// What the kernels of quantize_async() share: their arguments, and runs of values on their way to codes.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

// How scaled values become codes. Types, because the random bits cost registers.

/// As the recipe rounds.
struct nearest {
  template <class F, class R, class Scaler, unsigned N>
  NVQ_HD codes_t<F, N> encode(const float (&values)[N], Scaler scaler, std::uint64_t) const noexcept {
    return encode_floats<F, R>(values, scaler);
  }
  template <class F, class R>
  NVQ_HD std::uint8_t encode_one(float scaled, std::uint64_t) const noexcept {
    return R::template element<F>(scaled);
  }
};

/// random_bits(seed, first + i).
template <unsigned N>
NVQ_HD void random_run(std::uint64_t seed, std::uint64_t first, std::uint32_t (&bits)[N]) noexcept {
  constexpr unsigned groups = (N + 3) / 4;
  const unsigned skip = static_cast<unsigned>(first % 4);
  std::uint32_t words[4 * groups + 4];
  NVQ_UNROLL
  for (unsigned g = 0; g <= groups; ++g) {
    if (g == groups && skip == 0) break;
    const Philox four(seed, first / 4 + g);
    for (unsigned i = 0; i < 4; ++i) words[4 * g + i] = four.word[i];
  }
  NVQ_UNROLL
  for (unsigned i = 0; i < N; ++i)  // constant indices, so that the words stay in registers
    bits[i] = skip == 0 ? words[i] : skip == 1 ? words[i + 1] : skip == 2 ? words[i + 2] : words[i + 3];
}

/// Stochastically, with random_bits(seed, index of the value in its matrix).
struct stochastic {
  std::uint64_t seed;
  template <class F, class, class Scaler, unsigned N>
  NVQ_HD codes_t<F, N> encode(const float (&values)[N], Scaler scaler, std::uint64_t index) const noexcept {
    using E = typename F::element;
    std::uint32_t random[N], words[word_count<codes_t<F, N>>] = {};
    random_run(seed, index, random);
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i)
      put_code<E>(words, i, E::encode_stochastic(scaler(values[i]), random[i]), E::bits);
    return from_words<codes_t<F, N>>(words);
  }
  template <class F, class>
  NVQ_HD std::uint8_t encode_one(float scaled, std::uint64_t index) const noexcept {
    return F::element::encode_stochastic(scaled, random_bits(seed, index));
  }
};

/// A matrix and where it goes. T: float, half, bfloat16.
template <class F, class T, class Round = nearest>
struct quantize_args {
  const T* in;
  std::int64_t row_stride;
  quantized_matrix<F, false> out;
  const float* amax = nullptr;         ///< of the tensor; null where it is not needed
  float* tensor_scale = nullptr;       ///< receives the decode scale; may be null
  const float* given_scale = nullptr;  ///< the decode scale, in place of one made of the amax
  Round round = {};
  quantized_matrix<F, false> transposed = {};  ///< the same codes once more; codes null: not wanted

  NVQ_HD std::uint64_t index(std::int64_t row, std::int64_t column) const noexcept {
    return static_cast<std::uint64_t>(row * out.columns + column);
  }
};

/// The scales of the tensor; the first thread of the grid writes what decoders take.
template <class F, class R, class Args>
NVQ_HD TensorScales scales_of(const Args& a) noexcept {
  TensorScales scales{};
  if constexpr (F::has_tensor_scale) {
    if (a.given_scale != nullptr)
      scales = tensor_scales_from<F>(*a.given_scale);
    else if (a.amax != nullptr)
      scales = tensor_scales<F>(*a.amax, R{});
  }
  if (a.tensor_scale != nullptr && block_index_x() == 0 && block_index_y() == 0 && thread_index() == 0)
    *a.tensor_scale = scales.decode;
  return scales;
}

/// Leaves the first `count` codes of `Bits` bits and makes the others 0.
template <unsigned Bits, unsigned W>
NVQ_HD void keep_codes(std::uint32_t (&words)[W], unsigned count) noexcept {
  NVQ_UNROLL
  for (unsigned w = 0; w < W; ++w) {
    const unsigned kept = count * Bits < 32 * w ? 0 : count * Bits - 32 * w;
    if (kept < 32) words[w] &= (1u << kept) - 1;
  }
}

/// Stores the first `left` codes of a run (all of them if there are fewer), a row's last byte filled up with 0.
template <class F, unsigned N>
NVQ_HD void store_codes(std::uint8_t* to, std::uint32_t (&words)[word_count<codes_t<F, N>>],
                        std::int64_t left, bool aligned) noexcept {
  constexpr unsigned bits = F::element::bits;
  const unsigned count = left < N ? static_cast<unsigned>(left) : N;
  if (count < N) keep_codes<bits>(words, count);
  store_bytes(to, words, (count * bits + 7) / 8, aligned);
}

/// Adds the first `left` values of a run to a statistic.
template <class Statistic, unsigned N>
NVQ_HD void add_values(Statistic& s, const float (&values)[N], std::int64_t left) noexcept {
  if (left >= N) {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) s.add(values[i]);
  } else {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i)
      if (i < left) s.add(values[i]);
  }
}

/// Adds the recipe's errors of the first `left` values of a run under a scale, in order.
template <class F, class R, class Scaler, unsigned N>
NVQ_HD float add_errors(float sum, const float (&values)[N], std::int64_t left, Scaler scaler,
                        typename F::scale_code scale, typename R::statistic s, TensorScales ts) noexcept {
  const unsigned count = left <= 0 ? 0 : left < N ? static_cast<unsigned>(left) : N;
  NVQ_UNROLL
  for (unsigned i = 0; i < N; ++i)
    if (i < count) {
      const std::uint8_t code = R::template element<F>(scaler(values[i]));
      sum = add_rn(sum, R::template error<F>(values[i], code, scale, s, ts));
    }
  return sum;
}

/// Consecutive values of a row, of any number, for the block codec.
template <class T>
struct row_values {
  const T* data;
  std::int64_t count;
  NVQ_HD constexpr std::int64_t rows() const noexcept { return 1; }
  NVQ_HD constexpr row_values row(std::int64_t) const noexcept { return *this; }
  template <class Fn>
  NVQ_HD constexpr void for_each(Fn fn) const noexcept {
    for (std::int64_t i = 0; i < count; ++i) fn(i, to_float(data[i]));
  }
};

/// A kernel with its grid and threads.
template <class K>
struct quantize_launch_of {
  K kernel;
  grid_shape grid;
  unsigned threads;
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
