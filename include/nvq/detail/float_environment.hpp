// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

// Codecs compute with floats rounded to nearest and with subnormal numbers. A program may have asked its processor for
// something else, and a program linked with -ffast-math has: g++ then flushes subnormal numbers from the start.

NVQ_BEGIN_NAMESPACE

namespace detail {

/// While one lives, this thread's floats are IEEE 754's, rounded to nearest even, without traps. Costs a few cycles
/// where they are so already.
class float_environment {
 public:
  float_environment(const float_environment&) = delete;
  float_environment& operator=(const float_environment&) = delete;

#if !defined(__CUDA_ARCH__) && (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
  float_environment() noexcept {
    __asm__ volatile("stmxcsr %0" : "=m"(found_) : : "memory");
    // All exceptions masked, round to nearest, no FTZ, no DAZ; the status flags stay.
    const std::uint32_t wanted = (found_ & 0x3Fu) | 0x1F80u;
    changed_ = wanted != found_;
    if (changed_) __asm__ volatile("ldmxcsr %0" : : "m"(wanted) : "memory");
  }
  ~float_environment() {
    if (changed_) __asm__ volatile("ldmxcsr %0" : : "m"(found_) : "memory");
  }

 private:
  std::uint32_t found_ = 0;
  bool changed_ = false;
#elif !defined(__CUDA_ARCH__) && (defined(__GNUC__) || defined(__clang__)) && defined(__aarch64__)
  float_environment() noexcept {
    __asm__ volatile("mrs %0, fpcr" : "=r"(found_) : : "memory");
    // FIZ, AH and NEP (bits 0 to 2), trap enables (8 to 12 and 15), FZ16 (19), RMode (22, 23), FZ (24), DN (25), AHP (26).
    constexpr std::uint64_t ours = 0x07C89F07u;
    changed_ = (found_ & ours) != 0;
    if (changed_) __asm__ volatile("msr fpcr, %0" : : "r"(found_ & ~ours) : "memory");
  }
  ~float_environment() {
    if (changed_) __asm__ volatile("msr fpcr, %0" : : "r"(found_) : "memory");
  }

 private:
  std::uint64_t found_ = 0;
  bool changed_ = false;
#else
  float_environment() noexcept {}
  ~float_environment() {}
#endif
};

/// Calls fn(arguments...) in that environment, wherever it is inlined to. `fn` takes floats from what it refers to and
/// leaves them there: the compiler may move arithmetic, which is not volatile, across the changes of the environment, but
/// not reads through a pointer that it knows nothing of, nor writes to memory that an asm statement may read.
template <class Fn, class... Arguments>
void with_ieee_floats(const Fn& fn, Arguments... arguments) {
  const float_environment ieee;
  const Fn* unknown = &fn;
#if !defined(__CUDA_ARCH__) && (defined(__GNUC__) || defined(__clang__))
  __asm__ volatile("" : "+r"(unknown) : : "memory");
#endif
  (*unknown)(arguments...);
}

}  // namespace detail

NVQ_END_NAMESPACE
