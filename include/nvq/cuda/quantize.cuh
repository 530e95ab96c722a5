// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>
#include <nvq/cuda/pack.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/cuda/tensor_args.cuh>
#include <nvq/detail/pack.hpp>

// The kernels of quantize_async(), as function objects over execution.cuh.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// A matrix and where it goes. T: float, half, bfloat16.
template <class F, class T>
struct quantize_args {
  const T* in;
  std::int64_t row_stride;
  quantized_matrix<F, false> out;
  const float* amax;    ///< of the tensor; null where the format needs none
  float* tensor_scale;  ///< receives the decode scale; may be null
};

template <class F, class R>
NVQ_HD TensorScales scales_of_amax(const float* amax) noexcept {
  return amax == nullptr ? TensorScales{} : tensor_scales<F>(*amax, R{});
}

/// Consecutive values of a row, of any number.
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

/// Encodes `count` values to a code row from column `first` on, by the general codec: every byte that they touch is
/// written.
template <class F, class R, class T, class Scaler>
NVQ_HD void encode_run(const T* in, std::int64_t count, std::uint8_t* code_row, std::int64_t first,
                       Scaler scaler) noexcept {
  constexpr int bits = F::element::bits;
  const std::int64_t end = ((first + count) * bits + 7) / 8;
  for (std::int64_t byte = first * bits / 8; byte < end; ++byte) code_row[byte] = 0;
  for (std::int64_t i = 0; i < count; ++i)
    nvq::detail::store_code<bits>(code_row, first + i, R::template element<F>(scaler(to_float(in[i]))));
}

/// Blocks along the row, and one scale for the tensor: `lanes` neighbouring lanes share a block, each with a run of
/// values in its registers. A block that is cut off by the end of its row is one lane's, by the general codec.
template <class F, class T, class R>
struct quantize_blocks {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  using shared = no_shared;
  static constexpr unsigned threads = 256;

  static constexpr bool whole_tensor = F::block::rows == 0;
  static constexpr unsigned block = whole_tensor ? 16 : static_cast<unsigned>(F::block::columns);
  static constexpr bool shareable = !nvq::detail::is_search<rules, F>::value && block % 16 == 0 &&
                                    block / 16 <= 32 && (block / 16 & (block / 16 - 1)) == 0;
  static constexpr unsigned run = shareable ? 16 : block;
  static constexpr unsigned lanes = block / run;
  static_assert(block * F::element::bits % 8 == 0, "nvq::cuda: the codes of a block fill bytes");

  quantize_args<F, T> a;
  unsigned row_threads;  ///< a power of two or all threads; a multiple of `lanes`

  NVQ_HD void operator()(no_shared&) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = F::has_tensor_scale ? scales_of_amax<F, R>(a.amax) : TensorScales{};
    const unsigned rows_a_block = block_threads() / row_threads, thread = thread_index();
    const bool aligned_in = runs_aligned(a.in, a.row_stride * static_cast<std::int64_t>(sizeof(T)),
                                         run * static_cast<int>(sizeof(T)));
    const bool aligned_out =
        runs_aligned(a.out.codes, F::row_bytes(a.out.columns), run * F::element::bits / 8);
    const shape2d grid =
        whole_tensor ? shape2d(a.out.rows, (a.out.columns + block - 1) / block) : a.out.padded_scales;
    if (block_index_x() == 0 && block_index_y() == 0 && thread == 0) {
      if (a.tensor_scale != nullptr) *a.tensor_scale = scales.decode;
      if constexpr (whole_tensor) a.out.store_scale(0, 0, rules::template scale<F>(given(), scales));
    }
    for (std::int64_t row0 = std::int64_t{block_index_x()} * rows_a_block; row0 < grid.rows();
         row0 += std::int64_t{grid_x()} * rows_a_block)
      for (std::int64_t run0 = std::int64_t{block_index_y()} * row_threads; run0 < grid.columns() * lanes;
           run0 += std::int64_t{grid_y()} * row_threads)
        encode(row0 + thread / row_threads, run0 + thread % row_threads, scales, grid, aligned_in,
               aligned_out);
    launch_dependents();
  }

 private:
  /// The statistic of a tensor whose amax is given.
  NVQ_HD statistic given() const noexcept {
    statistic s{};
    if constexpr (whole_tensor) s.add(*a.amax);
    return s;
  }

  /// All lanes of a warp come here together.
  NVQ_HD void encode(std::int64_t row, std::int64_t run_index, TensorScales scales, shape2d grid,
                     bool aligned_in, bool aligned_out) const noexcept {
    const std::int64_t column = run_index * run, block_column = run_index / lanes;
    const std::int64_t left =
        row < a.out.rows ? a.out.columns - column : 0;  // values from here to the end of the row
    const bool cut = !whole_tensor && row < a.out.rows && block_column * block < a.out.columns &&
                     (block_column + 1) * block > a.out.columns;
    const T* in = a.in + row * a.row_stride + column;
    float x[run];
    load_values<run>(in, cut ? 0 : left, aligned_in, x);

    if constexpr (whole_tensor) {
      store(row, column, left, encode_with(x, rules::template scale<F>(given(), scales), given(), scales),
            aligned_out);
    } else if constexpr (shareable) {
      const statistic s = warp_reduce<lanes>(gather<F>(x, R{}));
      if (!cut && left > 0) {
        const auto scale = rules::template scale<F>(s, scales);
        store(row, column, left, encode_with(x, scale, s, scales), aligned_out);
        if (run_index % lanes == 0) a.out.store_scale(row, block_column, scale);
      }
    } else if (!cut && left > 0) {
      const register_values<run> values{x};
      const auto s = nvq::detail::block_statistic<statistic>(values);
      const auto scale =
          nvq::detail::block_scale<F, rules>(values, nvq::detail::column_weights{nullptr}, s, scales);
      store(row, column, left, encode_with(x, scale, s, scales), aligned_out);
      a.out.store_scale(row, block_column, scale);
    }

    if constexpr (!whole_tensor) {
      if (run_index % lanes != 0 || row >= grid.rows() || block_column >= grid.columns()) return;
      if (cut) {
        const row_values<T> values{in, left};
        const auto s = nvq::detail::block_statistic<statistic>(values);
        const auto scale =
            nvq::detail::block_scale<F, rules>(values, nvq::detail::column_weights{nullptr}, s, scales);
        encode_run<F, rules>(in, left, a.out.code_row(row), column,
                             rules::template scaler<F>(scale, s, scales));
        a.out.store_scale(row, block_column, scale);
      } else if (left <= 0) {  // the layout's padding
        if constexpr (sizeof(typename F::scale_type) == 1)
          a.out.scales[a.out.scale_index(row, block_column)] = 0;
      }
    }
  }

  NVQ_HD static codes_t<F, run> encode_with(const float (&x)[run], typename F::scale_code scale, statistic s,
                                            TensorScales scales) noexcept {
    return encode_floats<F, rules>(x, rules::template scaler<F>(scale, s, scales));
  }

  NVQ_HD void store(std::int64_t row, std::int64_t column, std::int64_t left, const codes_t<F, run>& codes,
                    bool aligned) const noexcept {
    if (left <= 0) return;
    constexpr int bits = F::element::bits, full = run * bits / 8;
    std::uint32_t words[word_count<codes_t<F, run>>];
    to_words(codes, words);
    if constexpr (whole_tensor)  // a run that the end of the row cuts off: codes of the zeros behind it go
      for (unsigned i = 0; i < run; ++i)
        if (i >= left) clear_code(words, i);
    const std::int64_t bytes = (left * bits + 7) / 8;
    store_bytes(a.out.code_row(row) + column * bits / 8, words, bytes < full ? bytes : full, aligned);
  }
  NVQ_HD static void clear_code(std::uint32_t* words, unsigned index) noexcept {
    constexpr unsigned bits = F::element::bits;
    for (unsigned b = index * bits; b < (index + 1) * bits; ++b) words[b / 32] &= ~(1u << b % 32);
  }
};

/// Rows and tiles: a block of threads has one, gathers its statistic, then encodes. Recipes that search do so in one
/// thread.
template <class F, class T, class R>
struct quantize_groups {
  using rules = nvq::detail::rules_t<R, F>;
  using statistic = typename rules::statistic;
  static constexpr unsigned threads = 256;
  static constexpr bool searches = nvq::detail::is_search<rules, F>::value;
  static constexpr unsigned run = 16;
  static_assert(F::block::columns * F::element::bits % 8 == 0,
                "nvq::cuda: the codes of a tile's row fill bytes");

  struct shared {
    reduce_storage<statistic> of_warps;
    typename F::scale_code scale;
  };

  quantize_args<F, T> a;

  NVQ_HD void operator()(shared& s) const noexcept {
    check_target<F>();
    grid_dependency_wait();
    const TensorScales scales = F::has_tensor_scale ? scales_of_amax<F, R>(a.amax) : TensorScales{};
    if (block_index_x() == 0 && thread_index() == 0 && a.tensor_scale != nullptr)
      *a.tensor_scale = scales.decode;
    const std::int64_t across = a.out.scale_columns(), groups = a.out.scale_rows() * across;
    for (std::int64_t g = block_index_x(); g < groups; g += grid_x())
      encode(s, g / across, g % across, scales);
    launch_dependents();
  }

 private:
  NVQ_HD void encode(shared& memory, std::int64_t group_row, std::int64_t group_column,
                     TensorScales scales) const noexcept {
    constexpr std::int64_t tall = F::block::rows, wide = F::block::columns;
    const std::int64_t row0 = group_row * tall, column0 = group_column * wide;
    const std::int64_t rows = a.out.rows - row0 < tall ? a.out.rows - row0 : tall;
    const std::int64_t columns = wide == 0 || a.out.columns - column0 < wide ? a.out.columns - column0 : wide;
    const std::int64_t runs = (columns + run - 1) / run;
    // Consecutive runs for each thread, so that statistics are merged in the order of the values.
    const std::int64_t each = (rows * runs + block_threads() - 1) / block_threads();
    const std::int64_t first = thread_index() * each;
    const std::int64_t last = first + each < rows * runs ? first + each : rows * runs;

    statistic mine{};
    for (std::int64_t i = first; i < last; ++i) {
      const T* in = address(row0 + i / runs, column0 + i % runs * run);
      const std::int64_t left = columns - i % runs * run;
      for (std::int64_t j = 0; j < left && j < run; ++j) mine.add(to_float(in[j]));
    }
    // of_warps may still be read for the group before; a search has a barrier behind those reads.
    if constexpr (!searches) barrier();
    const statistic whole = block_reduce(mine, memory.of_warps);
    typename F::scale_code scale;
    if constexpr (searches) {
      if (thread_index() == 0) {
        const matrix_view<const T> view(address(row0, column0), shape2d(rows, columns), a.row_stride);
        memory.scale = nvq::detail::block_scale<F, rules>(
            nvq::detail::strided_values<T>{view}, nvq::detail::column_weights{nullptr}, whole, scales);
      }
      barrier();
      scale = memory.scale;
    } else {
      scale = rules::template scale<F>(whole, scales);
    }
    if (thread_index() == 0) a.out.store_scale(group_row, group_column, scale);

    const auto scaler = rules::template scaler<F>(scale, whole, scales);
    for (std::int64_t i = first; i < last; ++i) {
      const std::int64_t row = row0 + i / runs, offset = i % runs * run, left = columns - offset;
      encode_run<F, rules>(address(row, column0 + offset), left < run ? left : run, a.out.code_row(row),
                           column0 + offset, scaler);
    }
  }

  NVQ_HD const T* address(std::int64_t row, std::int64_t column) const noexcept {
    return a.in + row * a.row_stride + column;
  }
};

/// The kernel for a format: groups for rows and tiles, else blocks.
template <class F, class T, class R>
using quantize_kernel =
    std::conditional_t<(F::block::rows > 1) || (F::block::rows == 1 && F::block::columns == 0),
                       quantize_groups<F, T, R>, quantize_blocks<F, T, R>>;

template <class K>
struct quantize_launch_of {
  K kernel;
  grid_shape grid;
  unsigned threads;
};

/// The kernel with its grid; `wave`: blocks that keep the device busy.
template <class K, class F, class T>
NVQ_HD quantize_launch_of<K> quantize_launch(const quantize_args<F, T>& args, unsigned wave) noexcept {
  if constexpr (std::is_same<typename K::shared, no_shared>::value) {
    const shape2d scales = args.out.padded_scales;
    const std::int64_t runs =
        K::whole_tensor ? (args.out.columns + K::run - 1) / K::run : scales.columns() * K::lanes;
    const auto g = runs_over(K::whole_tensor ? args.out.rows : scales.rows(), runs, wave, K::lanes);
    return {K{args, g.row_threads}, {g.grid_x, g.grid_y}, g.threads};
  } else {
    const std::int64_t groups = args.out.scale_rows() * args.out.scale_columns();
    return {K{args}, {static_cast<unsigned>(groups < 65535 * 16 ? groups : 65535 * 16), 1}, K::threads};
  }
}

/// max |x| of a matrix, NaN as the statistic has it (AbsMax, AbsMaxNaN), into the bits of a float that was 0 or an amax
/// before.
template <class T, class Statistic = AbsMax>
struct amax_kernel {
  static constexpr unsigned threads = 256;
  struct shared {
    reduce_storage<float> of_warps;
  };

  const T* in;
  std::int64_t rows, columns, row_stride;
  std::uint32_t* amax_bits;
  unsigned row_threads;

  NVQ_HD void operator()(shared& s) const noexcept {
    grid_dependency_wait();
    constexpr unsigned run = 16;
    Statistic largest;
    const unsigned rows_a_block = block_threads() / row_threads, thread = thread_index();
    const bool aligned = runs_aligned(in, row_stride * static_cast<std::int64_t>(sizeof(T)),
                                      run * static_cast<int>(sizeof(T)));
    for (std::int64_t row = std::int64_t{block_index_x()} * rows_a_block + thread / row_threads; row < rows;
         row += std::int64_t{grid_x()} * rows_a_block)
      for (std::int64_t column = (std::int64_t{block_index_y()} * row_threads + thread % row_threads) * run;
           column < columns; column += std::int64_t{grid_y()} * row_threads * run) {
        float x[run];
        load_values<run>(in + row * row_stride + column, columns - column, aligned, x);
        for (unsigned i = 0; i < run; ++i) largest.add(x[i]);
      }
    const float all = block_amax(largest.amax, s.of_warps);
    if (thread == 0) atomic_max(amax_bits, float_bits(all));
    launch_dependents();
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
