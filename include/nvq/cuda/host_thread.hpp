// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// Where in a kernel's source a thread waits; a default argument, so that the caller's line is meant.
struct code_site {
  const char* file;
  int line;
  NVQ_HD static constexpr code_site here(const char* file = __builtin_FILE(),
                                         int line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// What the lanes of a warp do together.
enum class warp_op : unsigned char { barrier, shuffle, shuffle_xor, shuffle_down, ballot, any, all };

#if !defined(__CUDACC_RTC__)

/// One thread of a grid that is executed on the host: what <nvq/cuda/execution.cuh> stands on where there is no
/// GPU. The tests implement it to run the kernels' own sources on the CPU.
class host_thread {
 public:
  unsigned thread = 0, threads = 1;
  unsigned block_x = 0, block_y = 0;
  unsigned grid_x = 1, grid_y = 1;

  virtual void barrier(code_site at) noexcept = 0;
  /// Waits for the other lanes of the warp; what comes back is the word that the operation gives this lane.
  /// `operand` is the source lane, the xor mask or the distance of a shuffle.
  virtual std::uint32_t exchange(warp_op op, std::uint32_t value, unsigned operand,
                                 code_site at) noexcept = 0;

  /// The simulated thread that the calling code is; null outside of a kernel.
  static host_thread*& current() noexcept {
    static thread_local host_thread* running = nullptr;
    return running;
  }

 protected:
  host_thread() = default;
  host_thread(const host_thread&) = delete;
  host_thread& operator=(const host_thread&) = delete;
  ~host_thread() = default;
};

#endif

}  // namespace cuda

NVQ_END_NAMESPACE
