// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__CUDACC__)
#error "nvq/cuda/launch.cuh launches kernels: compile with nvcc, or include only <nvq/cuda/execution.cuh>"
#endif

#include <cuda_runtime.h>
#include <nvq/config.hpp>
#include <nvq/cuda/execution.cuh>
#include <type_traits>

// A kernel of this library is a trivially copyable function object over execution.cuh:
//
//     struct scale_rows {
//       struct shared { std::uint32_t amax[32]; };     // or nvq::cuda::no_shared
//       static constexpr unsigned threads = 256;       // optional: the most that launch() is called with
//       const float* in;                               // parameters
//       NVQ_HD void operator()(shared& s) const;
//     };

NVQ_BEGIN_NAMESPACE

namespace cuda {

namespace detail {

template <class K, class = void>
struct max_threads : std::integral_constant<unsigned, 1024> {};
template <class K>
struct max_threads<K, std::void_t<decltype(K::threads)>> : std::integral_constant<unsigned, K::threads> {};

}  // namespace detail

/// The one entry point of all kernels.
template <class K>
__global__ void __launch_bounds__(detail::max_threads<K>::value) kernel_entry(K kernel) {
  __shared__ typename K::shared shared;
  kernel(shared);
}

namespace detail {

/// Whether the code that the current device runs of K waits for the grids before it: it does from sm_90 on.
template <class K>
bool waits_for_grids() noexcept {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, kernel_entry<K>) == cudaSuccess && attributes.ptxVersion >= 90;
}

}  // namespace detail

/// Launches `kernel` on `grid` blocks of `threads` threads, a multiple of 32, and does not wait for it. An empty
/// grid launches nothing and succeeds. With `programmatic_dependent_launch` (sm_90 and above, else it changes nothing) the kernel may start
/// before its predecessor in the stream has ended and must say grid_dependency_wait() before it touches what that
/// one writes or reads.
template <class K>
[[nodiscard]] cudaError_t launch(const K& kernel, grid_shape grid, unsigned threads, cudaStream_t stream,
                                 bool programmatic_dependent_launch = false) noexcept {
  static_assert(std::is_trivially_copyable<K>::value, "nvq::cuda::launch: kernels are copied as bytes");
  static_assert(std::is_trivially_default_constructible<typename K::shared>::value,
                "nvq::cuda::launch: shared memory has no initial values");
  if (threads == 0 || threads % 32 != 0 || threads > detail::max_threads<K>::value) {
    return cudaErrorInvalidValue;
  }
  if (grid.x == 0 || grid.y == 0) return cudaSuccess;

  cudaLaunchAttribute dependent{};
  dependent.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  dependent.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(grid.x, grid.y);
  config.blockDim = dim3(threads);
  config.stream = stream;
  config.attrs = &dependent;
  config.numAttrs = programmatic_dependent_launch && detail::waits_for_grids<K>() ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel_entry<K>, kernel);
}

}  // namespace cuda

NVQ_END_NAMESPACE
