// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/recipe/base.hpp>

// The kernel of amax_async(), as a function object over execution.cuh.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

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
