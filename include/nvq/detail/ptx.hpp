// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>

#if defined(__CUDA_ARCH__)

// All inline assembly of the library. Float operations are here because no compiler flag changes them: the intrinsics
// (__fadd_rn) are safe from contraction, but -ftz=true, and so -use_fast_math, makes them, comparisons and conversions
// flush subnormal numbers.

NVQ_BEGIN_NAMESPACE

namespace detail {
namespace ptx {

__device__ inline float add(float a, float b) noexcept {
  float r;
  asm("add.rn.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
__device__ inline float sub(float a, float b) noexcept {
  float r;
  asm("sub.rn.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
__device__ inline float mul(float a, float b) noexcept {
  float r;
  asm("mul.rn.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
__device__ inline float div(float a, float b) noexcept {
  float r;
  asm("div.rn.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
__device__ inline float rcp_approx_ftz(float x) noexcept {
  float r;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}
__device__ inline bool less(float a, float b) noexcept {
  unsigned r;
  asm("{ .reg .pred p; setp.lt.f32 p, %1, %2; selp.u32 %0, 1, 0, p; }" : "=r"(r) : "f"(a), "f"(b));
  return r != 0;
}
__device__ inline int to_int(float x) noexcept {
  int r;
  asm("cvt.rzi.s32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}

#if __CUDA_ARCH__ >= 900
__device__ inline void grid_dependency_wait() noexcept { asm volatile("griddepcontrol.wait;" ::: "memory"); }
__device__ inline void launch_dependents() noexcept {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}
#endif

}  // namespace ptx
}  // namespace detail

NVQ_END_NAMESPACE

#endif
