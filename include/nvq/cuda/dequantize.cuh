// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>
#include <nvq/cuda/tensor_args.cuh>
#include <nvq/cuda/unpack.cuh>
#include <nvq/detail/pack.hpp>

// The kernel of dequantize_async(), as a function object over execution.cuh.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// Every thread has runs of 16 values of a row. T: float, half, bfloat16.
template <class F, class T>
struct dequantize_kernel {
  using shared = no_shared;
  static constexpr unsigned threads = 256;
  static constexpr unsigned run = 16;
  /// All values of a run have one scale.
  static constexpr bool one_scale = F::block::columns % run == 0;

  quantized_matrix<F, true> in;
  T* out;
  std::int64_t row_stride;
  const float* tensor_scale;  ///< null: 1
  unsigned row_threads;

  NVQ_HD void operator()(no_shared&) const noexcept {
    grid_dependency_wait();
    const float g = tensor_scale == nullptr ? 1.0f : *tensor_scale;
    const unsigned rows_a_block = block_threads() / row_threads, thread = thread_index();
    const bool aligned_in = runs_aligned(in.codes, F::row_bytes(in.columns), run * F::element::bits / 8);
    const bool aligned_out = runs_aligned(out, row_stride * static_cast<std::int64_t>(sizeof(T)),
                                          run * static_cast<int>(sizeof(T)));
    for (std::int64_t row = std::int64_t{block_index_x()} * rows_a_block + thread / row_threads;
         row < in.rows; row += std::int64_t{grid_x()} * rows_a_block)
      for (std::int64_t column = (std::int64_t{block_index_y()} * row_threads + thread % row_threads) * run;
           column < in.columns; column += std::int64_t{grid_y()} * row_threads * run)
        decode(row, column, g, aligned_in, aligned_out);
    launch_dependents();
  }

 private:
  NVQ_HD static std::int64_t block_of(std::int64_t i, std::int64_t extent) noexcept {
    return extent == 0 ? 0 : i / extent;
  }

  NVQ_HD void decode(std::int64_t row, std::int64_t column, float g, bool aligned_in,
                     bool aligned_out) const noexcept {
    const std::int64_t left = in.columns - column, count = left < run ? left : run;
    const std::int64_t scale_row = block_of(row, F::block::rows);
    T* to = out + row * row_stride + column;
    if constexpr (one_scale) {
      using codes = codes_t<F, run>;
      std::uint32_t words[word_count<codes>];
      load_bytes(in.code_row(row) + column * F::element::bits / 8, words, (count * F::element::bits + 7) / 8,
                 aligned_in);
      const auto scale = in.load_scale(scale_row, block_of(column, F::block::columns));
      if constexpr (std::is_same<T, float>::value) {
        float values[run];
        unpack<F>(from_words<codes>(words), scale, g, values);
        store_floats(to, values, count, aligned_out);
      } else {
        pair<T> values[run / 2];
        unpack<F>(from_words<codes>(words), scale, g, values);
        store_pairs(to, values, count, aligned_out);
      }
    } else {
      for (std::int64_t i = 0; i < count; ++i) {
        const auto scale = in.load_scale(scale_row, block_of(column + i, F::block::columns));
        to[i] = T(decode_value<F>(nvq::detail::load_code<F::element::bits>(in.code_row(row), column + i),
                                  scale, g));
      }
    }
  }

  NVQ_HD static void store_floats(float* to, const float (&values)[run], std::int64_t count,
                                  bool aligned) noexcept {
    if (aligned && count == run) {
      for (unsigned i = 0; i < run; i += 4) {
        code_words<4> vector;
        for (unsigned j = 0; j < 4; ++j) vector.word[j] = float_bits(values[i + j]);
        store_words<4>(to + i, vector);
      }
    } else {
      for (unsigned i = 0; i < run; ++i)
        if (i < count) to[i] = values[i];
    }
  }
  NVQ_HD static void store_pairs(T* to, const pair<T> (&values)[run / 2], std::int64_t count,
                                 bool aligned) noexcept {
    if (aligned && count == run) {
      for (unsigned i = 0; i < run / 2; i += 4) {
        code_words<4> vector;
        for (unsigned j = 0; j < 4; ++j) vector.word[j] = values[i + j].bits;
        store_words<4>(to + 2 * i, vector);
      }
    } else {
      for (unsigned i = 0; i < run; ++i)
        if (i < count) to[i] = T::from_bits(static_cast<std::uint16_t>(values[i / 2].bits >> i % 2 * 16));
    }
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
