// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

// Codecs compute with floats rounded to nearest and with subnormal numbers. A program may have asked its processor for
// something else, and a program linked with -ffast-math has: g++ then flushes subnormal numbers from the start.

NVQ_BEGIN_NAMESPACE

namespace detail {

/// While one lives, this thread's floats are IEEE 754's, rounded to nearest even, without traps. Costs a few cycles where
/// they are so already; the status flags of the caller are kept as they were where they are not.
///
/// The compiler may move arithmetic, which is not volatile, across the constructor. So what is guarded reads its floats
/// from memory that the constructor may have written, as far as the compiler knows, and writes them to such memory, or
/// is a call that is not inlined.
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
    // FIZ, AH, NEP (0 ... 2), trap enables (8 ... 12, 15), FZ16 (19), RMode (22, 23), FZ (24), AHP (26); DN (25) too, since
    // codecs compare NaN only with itself but encode its sign.
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

}  // namespace detail

NVQ_END_NAMESPACE
