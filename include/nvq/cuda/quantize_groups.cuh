// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/quantize_args.cuh>
#include <nvq/cuda/reduce.cuh>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// Whether a statistic may be gathered in any order.
template <class Statistic>
inline constexpr bool takes_any_order =
    std::is_same<Statistic, AbsMax>::value || std::is_same<Statistic, AbsMaxNaN>::value ||
    std::is_same<Statistic, MinMax>::value || std::is_same<Statistic, Range>::value;

/// The sums of errors that a search keeps: of `candidates` scales at a time, those of each row.
template <unsigned Rows, unsigned Threads, bool Searches>
struct error_sums {
  static constexpr unsigned candidates = 4096 / Rows == 0 ? 1 : 4096 / Rows < Threads ? 4096 / Rows : Threads;
  static constexpr unsigned stride = Rows == 1 ? 1 : Rows | 1;  // candidates lie in different banks
  float sum[candidates * stride];
};
template <unsigned Rows, unsigned Threads>
struct error_sums<Rows, Threads, false> {};

/// Rows and tiles: a block of threads has one, gathers its statistic, then encodes.
template <class F, class T, class R, class Round = nearest>
struct quantize_groups {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  using scale_code = typename F::scale_code;
  static constexpr unsigned threads = 256;
  static constexpr bool searches = nvq::detail::is_search<rules, F>::value;
  static constexpr unsigned run = 16;
  static constexpr unsigned tall = static_cast<unsigned>(F::block::rows);
  static constexpr std::int64_t wide = F::block::columns;  ///< 0: the whole row
  static_assert(wide * F::element::bits % 8 == 0, "nvq::cuda: the codes of a tile's row fill bytes");

  using sums = error_sums<tall, threads, searches>;
  struct shared {
    reduce_storage<statistic> of_warps;
    sums errors;
  };

  quantize_args<F, T, Round> a;

  static quantize_launch_of<quantize_groups> plan(const quantize_args<F, T, Round>& args, unsigned) noexcept {
    const std::int64_t groups = args.out.scale_columns() * F::scale_rows(args.out.rows);
    const std::int64_t columns = wide == 0 || args.out.columns < wide ? args.out.columns : wide;
    const std::int64_t runs = (columns + run - 1) / run * (args.out.rows < tall ? args.out.rows : tall);
    // A search in a row has a thread for each candidate, and the fewer others wait for them the better.
    const auto needed = static_cast<unsigned>(runs < threads ? (runs + 31) / 32 * 32 : threads);
    return {{args},
            {static_cast<unsigned>(groups < 65535 * 16 ? groups : 65535 * 16), 1},
            searches ? (tall == 1 ? 64 : threads) : needed};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = scales_of<F, R>(a);
    const std::int64_t across = a.out.scale_columns(), groups = F::scale_rows(a.out.rows) * across;
    for (std::int64_t g = block_index_x(); g < groups; g += grid_x()) {
      const std::int64_t row = across == 1 ? g : g / across;
      encode(s, row, g - row * across, scales);
    }
    launch_dependents();
  }

 private:
  /// A run of values of a group: its place in the matrix, and how many values there are from it on, 0 or less if none.
  struct place {
    std::int64_t row, column, left;
  };
  struct extent {
    std::int64_t row0, column0, rows, columns;
    /// Run i: of a tile, the runs of each of its rows one after the other.
    NVQ_HD place run_at(std::int64_t i) const noexcept {
      if constexpr (tall == 1) {
        return {row0, column0 + i * run, columns - i * run};
      } else {
        constexpr unsigned a_row = (static_cast<unsigned>(wide) + run - 1) / run;
        const unsigned row = static_cast<unsigned>(i) / a_row,
                       in_row = static_cast<unsigned>(i) % a_row * run;
        return {row0 + row, column0 + in_row, row < rows ? columns - in_row : 0};
      }
    }
    NVQ_HD std::int64_t runs() const noexcept {
      return tall == 1 ? (columns + run - 1) / run : rows * ((wide + run - 1) / run);
    }
  };

  NVQ_HD void encode(shared& memory, std::int64_t group_row, std::int64_t group_column,
                     TensorScales scales) const noexcept {
    const std::int64_t row0 = group_row * tall, column0 = group_column * wide;
    const std::int64_t rows_left = a.out.rows - row0, columns_left = a.out.columns - column0;
    const extent group{row0, column0, rows_left < tall ? rows_left : tall,
                       wide == 0 || columns_left < wide ? columns_left : wide};
    const std::int64_t runs = group.runs(), each = (runs + block_threads() - 1) / block_threads();
    // Neighbouring runs in neighbouring threads, unless statistics must be merged in the order of the values.
    constexpr bool any_order = takes_any_order<statistic>;
    const std::int64_t first = any_order ? thread_index() : thread_index() * each,
                       step = any_order ? block_threads() : 1;
    const std::int64_t last = any_order || runs < first + each ? runs : first + each;
    const bool aligned_in = runs_aligned(a.in, a.row_stride * static_cast<std::int64_t>(sizeof(T)),
                                         run * static_cast<int>(sizeof(T))) &&
                            wide * static_cast<int>(sizeof(T)) % 16 == 0;
    const bool aligned_out =
        runs_aligned(a.out.codes, F::row_bytes(a.out.columns), run * F::element::bits / 8) && wide % run == 0;

    float x[run];
    statistic mine{};
    for (std::int64_t i = first; i < last; i += step) {
      const place p = group.run_at(i);
      load_values<run>(address(p.row, p.column), p.left, aligned_in, x);
      add_values(mine, x, p.left);
    }
    barrier();  // of_warps and the sums of errors have been read for the group before
    const statistic whole = block_reduce(mine, memory.of_warps);
    scale_code scale;
    if constexpr (searches)
      scale = search(memory.errors, group, whole, scales, aligned_in);
    else
      scale = rules::template scale<F>(whole, scales);
    store_scales(group_row, group_column, scale);

    const auto scaler = rules::template scaler<F>(scale, whole, scales);
    for (std::int64_t i = first; i < last; i += step) {
      const place p = group.run_at(i);
      if (p.left <= 0) continue;
      if (each > 1) load_values<run>(address(p.row, p.column), p.left, aligned_in, x);
      std::uint32_t words[word_count<codes_t<F, run>>];
      to_words(a.round.template encode<F, rules>(x, scaler, a.index(p.row, p.column)), words);
      store_codes<F, run>(a.out.code_row(p.row) + p.column * F::element::bits / 8, words, p.left,
                          aligned_out);
    }
  }

  /// The scale with the least error, as nvq::detail::block_scale finds it: threads have each a row under a candidate, then
  /// the sum of a candidate's rows.
  NVQ_HD scale_code search(sums& errors, const extent& group, statistic s, TensorScales scales,
                           bool aligned) const noexcept {
    scale_code best = rules::template candidate<F>(0, s, scales);
    float least = 0.0f;
    const int n = rules::template candidates<F>(s, scales);
    if (n < 2) return best;
    for (int c0 = 0; c0 < n; c0 += static_cast<int>(sums::candidates)) {
      const unsigned count =
          n - c0 < static_cast<int>(sums::candidates) ? static_cast<unsigned>(n - c0) : sums::candidates;
      if (c0 != 0) barrier();  // the sums of the candidates before have been read
      for (unsigned i = thread_index(); i < count * tall; i += block_threads())
        errors.sum[i / tall * sums::stride + i % tall] =
            error_of_row(group, i % tall, c0 + static_cast<int>(i / tall), s, scales, aligned);
      barrier();
      if constexpr (tall > 1) {
        for (unsigned i = thread_index(); i < count; i += block_threads()) {
          float* const sum = errors.sum + i * sums::stride;
          for (unsigned rows = tall; rows > 1; rows = (rows + 1) / 2)
            for (unsigned r = 0; r < rows / 2; ++r) sum[r] = add_rn(sum[r], sum[r + (rows + 1) / 2]);
        }
        barrier();
      }
      for (unsigned i = 0; i < count; ++i) {
        const float error = errors.sum[i * sums::stride];
        if ((c0 == 0 && i == 0) || less(error, least)) {
          least = error;
          best = rules::template candidate<F>(c0 + static_cast<int>(i), s, scales);
        }
      }
    }
    return best;
  }
  NVQ_HD float error_of_row(const extent& group, unsigned row, int candidate, statistic s,
                            TensorScales scales, bool aligned) const noexcept {
    if (row >= group.rows) return 0.0f;
    const auto scale = rules::template candidate<F>(candidate, s, scales);
    const auto scaler = rules::template scaler<F>(scale, s, scales);
    const T* const in = address(group.row0 + row, group.column0);
    float sum = 0.0f;
    for (std::int64_t c = 0; c < group.columns; c += run) {
      float x[run];
      load_values<run>(in + c, group.columns - c, aligned, x);
      sum = add_errors<F, rules>(sum, x, group.columns - c, scaler, scale, s, scales);
    }
    return sum;
  }

  /// The scale of the group, for each of its rows if that is wanted; the last groups write the padding behind them.
  NVQ_HD void store_scales(std::int64_t group_row, std::int64_t group_column,
                           scale_code scale) const noexcept {
    if (!a.out.scales_per_row) {
      if (thread_index() == 0) a.out.store_scale(group_row, group_column, scale);
      return;
    }
    const shape2d padded = a.out.padded_scales;
    const std::int64_t end_row =
        group_row + 1 == F::scale_rows(a.out.rows) ? padded.rows() : (group_row + 1) * tall;
    const std::int64_t end_column =
        group_column + 1 == a.out.scale_columns() ? padded.columns() : group_column + 1;
    for (std::int64_t r = group_row * tall + thread_index(); r < end_row; r += block_threads())
      for (std::int64_t c = group_column; c < end_column; ++c) a.out.store_padded(r, c, scale);
  }

  NVQ_HD const T* address(std::int64_t row, std::int64_t column) const noexcept {
    return a.in + row * a.row_stride + column;
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
