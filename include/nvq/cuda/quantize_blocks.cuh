// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/quantize_args.cuh>
#include <nvq/cuda/reduce.cuh>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// Blocks along the row: `lanes` neighbouring lanes share a block, each with a run of values in its registers. A block
/// that is cut off by the end of its row is one lane's, by the general codec.
template <class F, class T, class R, class Round = nearest>
struct quantize_blocks {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  using shared = no_shared;
  static constexpr unsigned threads = 256;

  static constexpr unsigned block = static_cast<unsigned>(F::block::columns);
  static constexpr bool shareable = !nvq::detail::is_search<rules, F>::value && block % 16 == 0 &&
                                    block / 16 <= 32 && (block / 16 & (block / 16 - 1)) == 0;
  static constexpr unsigned run = shareable ? 16 : block;
  static constexpr unsigned lanes = block / run;
  static_assert(block * F::element::bits % 8 == 0, "nvq::cuda: the codes of a block fill bytes");

  quantize_args<F, T, Round> a;
  unsigned row_threads;  ///< a power of two or all threads; a multiple of `lanes`

  static quantize_launch_of<quantize_blocks> plan(const quantize_args<F, T, Round>& args,
                                                  unsigned wave) noexcept {
    const shape2d scales = args.out.padded_scales;
    const auto g = runs_over(scales.rows(), scales.columns() * lanes, wave, lanes);
    return {{args, g.row_threads}, {g.grid_x, g.grid_y}, g.threads};
  }

  NVQ_HD void operator()(no_shared&) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = scales_of<F, R>(a);
    const unsigned rows_a_block = block_threads() / row_threads, thread = thread_index();
    const bool aligned_in = runs_aligned(a.in, a.row_stride * static_cast<std::int64_t>(sizeof(T)),
                                         run * static_cast<int>(sizeof(T)));
    const bool aligned_out =
        runs_aligned(a.out.codes, F::row_bytes(a.out.columns), run * F::element::bits / 8);
    const shape2d grid = a.out.padded_scales;
    for (std::int64_t row0 = std::int64_t{block_index_x()} * rows_a_block; row0 < grid.rows();
         row0 += std::int64_t{grid_x()} * rows_a_block)
      for (std::int64_t run0 = std::int64_t{block_index_y()} * row_threads; run0 < grid.columns() * lanes;
           run0 += std::int64_t{grid_y()} * row_threads)
        encode(row0 + thread / row_threads, run0 + thread % row_threads, scales, grid, aligned_in,
               aligned_out);
    launch_dependents();
  }

 private:
  /// All lanes of a warp come here together.
  NVQ_HD void encode(std::int64_t row, std::int64_t run_index, TensorScales scales, shape2d grid,
                     bool aligned_in, bool aligned_out) const noexcept {
    const std::int64_t column = run_index * run, block_column = run_index / lanes;
    const std::int64_t left =
        row < a.out.rows ? a.out.columns - column : 0;  // values from here to the end of the row
    const bool cut = row < a.out.rows && block_column * block < a.out.columns &&
                     (block_column + 1) * block > a.out.columns;
    const T* in = a.in + row * a.row_stride + column;
    float x[run];
    load_values<run>(in, cut ? 0 : left, aligned_in, x);

    if constexpr (shareable) {
      const statistic s = warp_reduce<lanes>(gather<F>(x, R{}));
      if (!cut && left > 0) {
        const auto scale = rules::template scale<F>(s, scales);
        store(row, column, x, rules::template scaler<F>(scale, s, scales), aligned_out);
        if (run_index % lanes == 0) a.out.store_scale(row, block_column, scale);
      }
    } else if (!cut && left > 0) {
      const register_values<run> values{x};
      const auto s = nvq::detail::block_statistic<statistic>(values);
      const auto scale =
          nvq::detail::block_scale<F, rules>(values, nvq::detail::column_weights{nullptr}, s, scales);
      store(row, column, x, rules::template scaler<F>(scale, s, scales), aligned_out);
      a.out.store_scale(row, block_column, scale);
    }

    if (run_index % lanes != 0 || row >= grid.rows() || block_column >= grid.columns()) return;
    if (cut) {
      encode_cut(row, column, block_column, scales);
    } else if (left <= 0) {  // the layout's padding
      if constexpr (sizeof(typename F::scale_type) == 1)
        a.out.scales[a.out.scale_index(row, block_column)] = 0;
    }
  }

  template <class Scaler>
  NVQ_HD void store(std::int64_t row, std::int64_t column, const float (&x)[run], Scaler scaler,
                    bool aligned) const noexcept {
    std::uint32_t words[word_count<codes_t<F, run>>];
    to_words(a.round.template encode<F, rules>(x, scaler, a.index(row, column)), words);
    store_bytes(a.out.code_row(row) + column * F::element::bits / 8, words, run * F::element::bits / 8,
                aligned);
  }

  /// The last block of a row: every byte that its codes touch is written.
  NVQ_HD void encode_cut(std::int64_t row, std::int64_t column, std::int64_t block_column,
                         TensorScales scales) const noexcept {
    using E = typename F::element;
    const row_values<T> values{a.in + row * a.row_stride + column, a.out.columns - column};
    const auto s = nvq::detail::block_statistic<statistic>(values);
    const auto scale =
        nvq::detail::block_scale<F, rules>(values, nvq::detail::column_weights{nullptr}, s, scales);
    a.out.store_scale(row, block_column, scale);
    const auto scaler = rules::template scaler<F>(scale, s, scales);
    std::uint8_t* const codes = a.out.code_row(row);
    for (std::int64_t i = column * E::bits / 8; i < F::row_bytes(a.out.columns); ++i) codes[i] = 0;
    values.for_each([&](std::int64_t i, float x) {
      const std::uint8_t code = a.round.template encode_one<F, rules>(scaler(x), a.index(row, column + i));
      nvq::detail::store_code<E::bits>(codes, column + i, code);
    });
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
