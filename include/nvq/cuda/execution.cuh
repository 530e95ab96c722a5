// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/config.hpp>
#include <nvq/cuda/host_thread.hpp>
#include <nvq/detail/ptx.hpp>
#include <type_traits>

// What a kernel asks of its surroundings: who it is, barriers, warp exchanges, atomics.
//
// Kernels are written over these functions and use no CUDA built-in of their own, so that their source also runs
// on the host. There each function goes to the host_thread that is running; without one they must not be called.
//
// Blocks have one dimension and are a multiple of 32 threads; grids have two. Barriers and exchanges are reached
// by every thread of the block and every lane of the warp. As in CUDA, a shuffle or a ballot orders nothing in
// memory: shared memory that lanes hand to each other needs a warp_barrier().

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// The number of blocks of a launch.
struct grid_shape {
  unsigned x = 1, y = 1;
};

/// The shared memory of a kernel that uses none.
struct no_shared {};

#if defined(__CUDA_ARCH__)
#define NVQ_THREAD(device, host) return device
#else
#define NVQ_THREAD(device, host) return host_thread::current()->host
#endif

NVQ_HD inline unsigned thread_index() noexcept { NVQ_THREAD(threadIdx.x, thread); }
NVQ_HD inline unsigned block_threads() noexcept { NVQ_THREAD(blockDim.x, threads); }
NVQ_HD inline unsigned block_index_x() noexcept { NVQ_THREAD(blockIdx.x, block_x); }
NVQ_HD inline unsigned block_index_y() noexcept { NVQ_THREAD(blockIdx.y, block_y); }
NVQ_HD inline unsigned grid_x() noexcept { NVQ_THREAD(gridDim.x, grid_x); }
NVQ_HD inline unsigned grid_y() noexcept { NVQ_THREAD(gridDim.y, grid_y); }

/// The thread's place in its warp, 0 to 31.
NVQ_HD inline unsigned lane() noexcept { return thread_index() % 32; }

/// Waits for every thread of the block: __syncthreads().
NVQ_HD inline void barrier(code_site at = code_site::here()) noexcept {
  static_cast<void>(at);
  NVQ_THREAD(__syncthreads(), barrier(at));
}

/// Waits for every lane of the warp: __syncwarp().
NVQ_HD inline void warp_barrier(code_site at = code_site::here()) noexcept {
  static_cast<void>(at);
#if defined(__CUDA_ARCH__)
  __syncwarp();
#else
  host_thread::current()->exchange(warp_op::barrier, 0, 0, at);
#endif
}

namespace detail {

NVQ_HD constexpr unsigned full_warp() noexcept { return 0xFFFFFFFFu; }

template <warp_op Op>
NVQ_HD inline std::uint32_t shuffle_word(std::uint32_t word, unsigned operand, code_site at) noexcept {
#if defined(__CUDA_ARCH__)
  static_cast<void>(at);
  if constexpr (Op == warp_op::shuffle_xor) {
    return __shfl_xor_sync(full_warp(), word, static_cast<int>(operand));
  } else if constexpr (Op == warp_op::shuffle_down) {
    return __shfl_down_sync(full_warp(), word, operand);
  } else {
    return __shfl_sync(full_warp(), word, static_cast<int>(operand));
  }
#else
  return host_thread::current()->exchange(Op, word, operand, at);
#endif
}

template <warp_op Op, class T>
NVQ_HD inline T shuffle_words(T value, unsigned operand, code_site at) noexcept {
  static_assert(std::is_trivially_copyable<T>::value && sizeof(T) % 4 == 0,
                "nvq::cuda: lanes exchange trivially copyable types of whole 32-bit words");
  struct words {
    std::uint32_t word[sizeof(T) / 4];
  };
  words w = bit_cast<words>(value);
  for (std::uint32_t& word : w.word) word = shuffle_word<Op>(word, operand, at);
  return bit_cast<T>(w);
}

}  // namespace detail

/// The value of lane `source` % 32: __shfl_sync().
template <class T>
NVQ_HD inline T shuffle(T value, unsigned source, code_site at = code_site::here()) noexcept {
  return detail::shuffle_words<warp_op::shuffle>(value, source, at);
}

/// The value of lane lane() ^ mask, mask below 32: __shfl_xor_sync().
template <class T>
NVQ_HD inline T shuffle_xor(T value, unsigned mask, code_site at = code_site::here()) noexcept {
  return detail::shuffle_words<warp_op::shuffle_xor>(value, mask, at);
}

/// The value of lane lane() + distance; the lane's own where there is no such lane: __shfl_down_sync().
template <class T>
NVQ_HD inline T shuffle_down(T value, unsigned distance, code_site at = code_site::here()) noexcept {
  return detail::shuffle_words<warp_op::shuffle_down>(value, distance, at);
}

/// Bit i says whether lane i's predicate holds: __ballot_sync().
NVQ_HD inline std::uint32_t warp_ballot(bool predicate, code_site at = code_site::here()) noexcept {
  static_cast<void>(at);
  NVQ_THREAD(__ballot_sync(detail::full_warp(), predicate), exchange(warp_op::ballot, predicate, 0, at));
}

NVQ_HD inline bool warp_any(bool predicate, code_site at = code_site::here()) noexcept {
  static_cast<void>(at);
  NVQ_THREAD(__any_sync(detail::full_warp(), predicate) != 0, exchange(warp_op::any, predicate, 0, at) != 0);
}

NVQ_HD inline bool warp_all(bool predicate, code_site at = code_site::here()) noexcept {
  static_cast<void>(at);
  NVQ_THREAD(__all_sync(detail::full_warp(), predicate) != 0, exchange(warp_op::all, predicate, 0, at) != 0);
}

#undef NVQ_THREAD

/// Adds to shared or global memory and returns what was there. T: int, unsigned, float. The order of the additions
/// is not defined, so a sum of floats may differ from run to run.
template <class T>
NVQ_HD inline T atomic_add(T* target, T value) noexcept {
#if defined(__CUDA_ARCH__)
  return atomicAdd(target, value);
#else
  const T before = *target;  // a host_thread is left at barriers and exchanges only
  *target = before + value;
  return before;
#endif
}

/// Replaces by the larger and returns what was there. For an amax: the bits of a float without sign compare as the
/// float does.
NVQ_HD inline std::uint32_t atomic_max(std::uint32_t* target, std::uint32_t value) noexcept {
#if defined(__CUDA_ARCH__)
  return atomicMax(target, value);
#else
  const std::uint32_t before = *target;
  if (value > before) *target = value;
  return before;
#endif
}

/// Programmatic dependent launch (sm_90 and above, else nothing): waits until the kernels before this one in the
/// stream have ended and their writes are visible.
NVQ_HD inline void grid_dependency_wait() noexcept {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  nvq::detail::ptx::grid_dependency_wait();
#endif
}

/// Programmatic dependent launch: lets the next kernel of the stream start its part before grid_dependency_wait().
NVQ_HD inline void launch_dependents() noexcept {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  nvq::detail::ptx::launch_dependents();
#endif
}

}  // namespace cuda

NVQ_END_NAMESPACE
