// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/quantize_args.cuh>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// One scale for the tensor, of its amax or given: threads have runs of 16 values.
template <class F, class T, class R, class Round = nearest>
struct quantize_whole {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  using shared = no_shared;
  static constexpr unsigned threads = 256;
  static constexpr unsigned run = 16;

  quantize_args<F, T, Round> a;
  unsigned row_threads;  ///< a power of two or all threads

  static quantize_launch_of<quantize_whole> plan(const quantize_args<F, T, Round>& args,
                                                 unsigned wave) noexcept {
    const auto g = runs_over(args.out.rows, (args.out.columns + run - 1) / run, wave);
    return {{args, g.row_threads}, {g.grid_x, g.grid_y}, g.threads};
  }

  NVQ_HD void operator()(no_shared&) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = scales_of<F, R>(a);
    statistic s{};
    typename F::scale_code scale;
    if (a.given_scale != nullptr) {
      scale = F::block_scale::encode(*a.given_scale);
    } else {
      s.add(*a.amax);
      scale = rules::template scale<F>(s, scales);
    }
    if (block_index_x() == 0 && block_index_y() == 0 && thread_index() == 0) a.out.store_scale(0, 0, scale);

    const auto scaler = rules::template scaler<F>(scale, s, scales);
    const unsigned rows_a_block = block_threads() / row_threads, thread = thread_index();
    const bool aligned_in = runs_aligned(a.in, a.row_stride * static_cast<std::int64_t>(sizeof(T)),
                                         run * static_cast<int>(sizeof(T)));
    const bool aligned_out =
        runs_aligned(a.out.codes, F::row_bytes(a.out.columns), run * F::element::bits / 8);
    for (std::int64_t row = std::int64_t{block_index_x()} * rows_a_block + thread / row_threads;
         row < a.out.rows; row += std::int64_t{grid_x()} * rows_a_block)
      for (std::int64_t column = (std::int64_t{block_index_y()} * row_threads + thread % row_threads) * run;
           column < a.out.columns; column += std::int64_t{grid_y()} * row_threads * run) {
        const std::int64_t left = a.out.columns - column;
        float x[run];
        load_values<run>(a.in + row * a.row_stride + column, left, aligned_in, x);
        std::uint32_t words[word_count<codes_t<F, run>>];
        to_words(a.round.template encode<F, rules>(x, scaler, a.index(row, column)), words);
        store_codes<F, run>(a.out.code_row(row) + column * F::element::bits / 8, words, left, aligned_out);
      }
    launch_dependents();
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
