// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/layout/convert.hpp>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// convert_layout() with a thread for each element of the destination.
template <class From, class To>
struct convert_kernel {
  using shared = no_shared;
  static constexpr unsigned threads = 256;

  From from;
  const typename From::value_type* in;
  To to;
  typename To::value_type* out;
  typename To::value_type pad;
  Recode recode;

  NVQ_HD void operator()(no_shared&) const noexcept {
    grid_dependency_wait();
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < to.elements();
         i += std::int64_t{grid_x()} * block_threads())
      layout::convert_element(from, in, to, out, i, pad, recode);
    launch_dependents();
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
