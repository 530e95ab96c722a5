// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/quantize_args.cuh>
#include <nvq/cuda/quantize_blocks.cuh>
#include <nvq/cuda/quantize_double.cuh>
#include <nvq/cuda/quantize_groups.cuh>
#include <nvq/cuda/quantize_tiles.cuh>
#include <nvq/cuda/quantize_whole.cuh>
#include <type_traits>

// The kernels of quantize_async(), as function objects over execution.cuh.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

template <class F, class T, class R, class Round>
NVQ_HD auto quantize_kernel_of() noexcept {
  if constexpr (F::block::rows == 0)
    return static_cast<quantize_whole<F, T, R, Round>*>(nullptr);
  else if constexpr (has_small_tiles<F>)
    return static_cast<quantize_tiles<F, T, R, Round>*>(nullptr);
  else if constexpr (F::block::rows > 1 || F::block::columns == 0)
    return static_cast<quantize_groups<F, T, R, Round>*>(nullptr);
  else
    return static_cast<quantize_blocks<F, T, R, Round>*>(nullptr);
}

/// The kernel for a format.
template <class F, class T, class R, class Round = nearest>
using quantize_kernel = std::remove_pointer_t<decltype(quantize_kernel_of<F, T, R, Round>())>;

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
