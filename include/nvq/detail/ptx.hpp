// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

// What the target of a device compilation can do, one macro an ability. Blackwell's FP4 and FP6 conversions and
// block-scaled mma exist on architecture- and family-specific targets only (sm_100a, sm_120f ...), never on
// plain sm_100 or sm_120.
#if defined(__CUDA_ARCH__)
#if __CUDA_ARCH__ >= 890
#define NVQ_HAS_CVT_FP8 1
#endif
#if __CUDA_ARCH__ >= 800
#define NVQ_HAS_MMA_F16 1  // m16n8k16, and bfloat16
#endif
#if __CUDA_ARCH__ >= 900
#define NVQ_HAS_MUL_BF16X2 1
#endif
#if defined(__CUDA_ARCH_FAMILY_SPECIFIC__)
#define NVQ_DETAIL_FAMILY __CUDA_ARCH_FAMILY_SPECIFIC__
#elif defined(__CUDA_ARCH_FEAT_SM100_ALL) || defined(__CUDA_ARCH_FEAT_SM101_ALL) || \
    defined(__CUDA_ARCH_FEAT_SM103_ALL) || defined(__CUDA_ARCH_FEAT_SM120_ALL) ||   \
    defined(__CUDA_ARCH_FEAT_SM121_ALL)  // CUDA 12.8
#define NVQ_DETAIL_FAMILY __CUDA_ARCH__
#else
#define NVQ_DETAIL_FAMILY 0
#endif
#if NVQ_DETAIL_FAMILY >= 1000
#define NVQ_HAS_CVT_FP4 1  // and FP6
#endif
#if NVQ_DETAIL_FAMILY >= 1200 && NVQ_DETAIL_FAMILY < 1300
#define NVQ_HAS_MMA_BLOCK_SCALE 1
#endif
#if defined(__CUDA_ARCH_SPECIFIC__)
#if __CUDA_ARCH_SPECIFIC__ == 1000 || __CUDA_ARCH_SPECIFIC__ == 1030
#define NVQ_HAS_CVT_RS 1
#endif
#endif
#endif
#ifndef NVQ_HAS_CVT_FP8
#define NVQ_HAS_CVT_FP8 0
#endif
#ifndef NVQ_HAS_MMA_F16
#define NVQ_HAS_MMA_F16 0
#endif
#ifndef NVQ_HAS_MUL_BF16X2
#define NVQ_HAS_MUL_BF16X2 0
#endif
#ifndef NVQ_HAS_CVT_FP4
#define NVQ_HAS_CVT_FP4 0
#endif
#ifndef NVQ_HAS_MMA_BLOCK_SCALE
#define NVQ_HAS_MMA_BLOCK_SCALE 0
#endif
#ifndef NVQ_HAS_CVT_RS
#define NVQ_HAS_CVT_RS 0
#endif

#if defined(__CUDA_ARCH__)

// All inline assembly of the library. Float operations are here because no compiler flag changes them: the intrinsics
// (__fadd_rn) are safe from contraction, but -ftz=true, and so -use_fast_math, makes them, comparisons and conversions
// flush subnormal numbers.

NVQ_BEGIN_NAMESPACE

namespace detail {
namespace ptx {

__device__ inline std::uint32_t bits(float x) noexcept {
  std::uint32_t r;
  asm("mov.b32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}
__device__ inline float from_bits(std::uint32_t bits) noexcept {
  float r;
  asm("mov.b32 %0, %1;" : "=f"(r) : "r"(bits));
  return r;
}
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
__device__ inline float rcp(float x) noexcept {
  float r;
  asm("rcp.rn.f32 %0, %1;" : "=f"(r) : "f"(x));
  return r;
}
__device__ inline float fma(float a, float b, float c) noexcept {
  float r;
  asm("fma.rn.f32 %0, %1, %2, %3;" : "=f"(r) : "f"(a), "f"(b), "f"(c));
  return r;
}
__device__ inline float fms(float a, float b, float c) noexcept {
  float r;
  asm("{ .reg .f32 n; neg.f32 n, %3; fma.rn.f32 %0, %1, %2, n; }" : "=f"(r) : "f"(a), "f"(b), "f"(c));
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
__device__ inline float max_magnitude(float a, float x) noexcept {
  float r;
  asm("{ .reg .f32 m; abs.f32 m, %2; max.f32 %0, %1, m; }" : "=f"(r) : "f"(a), "f"(x));
  return r;
}
__device__ inline float min_magnitude(float a, float x) noexcept {
  float r;
  asm("{ .reg .f32 m; abs.f32 m, %2; min.f32 %0, %1, m; }" : "=f"(r) : "f"(a), "f"(x));
  return r;
}
__device__ inline float smaller(float a, float b) noexcept {
  float r;
  asm("min.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
}
__device__ inline float larger(float a, float b) noexcept {
  float r;
  asm("max.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
  return r;
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

// Packed halves and bfloat16s: the value of the lower index in the low 16 bits. No operation flushes subnormals.

__device__ inline float f32_from_f16(std::uint32_t low_half) noexcept {
  float r;
  asm("{ .reg .b16 l, h; mov.b32 {l, h}, %1; cvt.f32.f16 %0, l; }" : "=f"(r) : "r"(low_half));
  return r;
}
__device__ inline std::uint32_t f16x2(float low, float high) noexcept {
  std::uint32_t r;
  asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(r) : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t bf16x2(float low, float high) noexcept {
  std::uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(r) : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t mul_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t r;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
  return r;
}
__device__ inline std::uint32_t sub_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t r;
  asm("sub.rn.f16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
  return r;
}
__device__ inline std::uint32_t fma_bf16x2(std::uint32_t a, std::uint32_t b, std::uint32_t c) noexcept {
  std::uint32_t r;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c));
  return r;
}
__device__ inline std::uint32_t mul_bf16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if NVQ_HAS_MUL_BF16X2
  std::uint32_t r;
  asm("mul.rn.bf16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
  return r;
#else
  return fma_bf16x2(a, b, 0x80008000u);  // adding -0 changes no product
#endif
}
__device__ inline std::uint32_t max_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t r;
  asm("max.f16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
  return r;
}
__device__ inline std::uint32_t max_bf16x2(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t r;
  asm("max.bf16x2 %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b));
  return r;
}
/// (a & mask) | bits and (a & mask) ^ bits in one instruction, which the compiler makes two of.
__device__ inline std::uint32_t and_or(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) noexcept {
  std::uint32_t r;
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;" : "=r"(r) : "r"(a), "r"(mask), "r"(bits));
  return r;
}
__device__ inline std::uint32_t and_xor(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) noexcept {
  std::uint32_t r;
  asm("lop3.b32 %0, %1, %2, %3, 0x6A;" : "=r"(r) : "r"(a), "r"(mask), "r"(bits));
  return r;
}
__device__ inline std::uint32_t prmt(std::uint32_t a, std::uint32_t b, std::uint32_t selector) noexcept {
  std::uint32_t r;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(selector));
  return r;
}

// Two floats to two codes, the code of `low` in the low bits; nearest even, saturating.

#if NVQ_HAS_CVT_FP8
__device__ inline std::uint32_t e4m3x2(float low, float high) noexcept {
  std::uint16_t r;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %2, %1;" : "=h"(r) : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t e5m2x2(float low, float high) noexcept {
  std::uint16_t r;
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %2, %1;" : "=h"(r) : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t f16x2_from_e4m3x2(std::uint32_t codes) noexcept {
  std::uint32_t r;
  asm("cvt.rn.f16x2.e4m3x2 %0, %1;" : "=r"(r) : "h"(static_cast<std::uint16_t>(codes)));
  return r;
}
#endif
#if NVQ_HAS_CVT_FP4
__device__ inline std::uint32_t e2m1x2(float low, float high) noexcept {
  std::uint32_t r;
  asm("{ .reg .b8 b; cvt.rn.satfinite.e2m1x2.f32 b, %2, %1; cvt.u32.u8 %0, b; }"
      : "=r"(r)
      : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t e2m3x2(float low, float high) noexcept {
  std::uint16_t r;
  asm("cvt.rn.satfinite.e2m3x2.f32 %0, %2, %1;" : "=h"(r) : "f"(low), "f"(high));
  return r;
}
__device__ inline std::uint32_t e3m2x2(float low, float high) noexcept {
  std::uint16_t r;
  asm("cvt.rn.satfinite.e3m2x2.f32 %0, %2, %1;" : "=h"(r) : "f"(low), "f"(high));
  return r;
}
/// Eight E2M1 codes to four pairs.
__device__ inline void f16x2_from_e2m1x8(std::uint32_t codes, std::uint32_t* out) noexcept {
  asm("{ .reg .b8 a, b, c, d; mov.b32 {a, b, c, d}, %4; cvt.rn.f16x2.e2m1x2 %0, a; cvt.rn.f16x2.e2m1x2 %1, "
      "b; "
      "cvt.rn.f16x2.e2m1x2 %2, c; cvt.rn.f16x2.e2m1x2 %3, d; }"
      : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
      : "r"(codes));
}
__device__ inline std::uint32_t f16x2_from_e2m3x2(std::uint32_t codes) noexcept {
  std::uint32_t r;
  asm("cvt.rn.f16x2.e2m3x2 %0, %1;" : "=r"(r) : "h"(static_cast<std::uint16_t>(codes)));
  return r;
}
__device__ inline std::uint32_t f16x2_from_e3m2x2(std::uint32_t codes) noexcept {
  std::uint32_t r;
  asm("cvt.rn.f16x2.e3m2x2 %0, %1;" : "=r"(r) : "h"(static_cast<std::uint16_t>(codes)));
  return r;
}
#endif

// Tensor cores: d += a * b by the warp; the maps of the registers are in <nvq/cuda/mma.cuh>.

#if NVQ_HAS_MMA_F16
__device__ inline void mma_m16n8k16_f16(float (&d)[4], const std::uint32_t (&a)[4],
                                        const std::uint32_t (&b)[2]) noexcept {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline void mma_m16n8k16_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) noexcept {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#endif
#if NVQ_HAS_MMA_BLOCK_SCALE
template <int ByteA, int ThreadA, int ByteB, int ThreadB>
__device__ void mma_m16n8k64_nvfp4(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                                   std::uint32_t scales_a, std::uint32_t scales_b) noexcept {
  asm volatile(
      "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%12,%13}, {%11}, {%14,%15};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(scales_a), "r"(scales_b),
        "n"(ByteA), "n"(ThreadA), "n"(ByteB), "n"(ThreadB));
}
template <int ByteA, int ThreadA, int ByteB, int ThreadB>
__device__ void mma_m16n8k64_mxfp4(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                                   std::uint32_t scales_a, std::uint32_t scales_b) noexcept {
  asm volatile(
      "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue8m0 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3}, {%10}, {%12,%13}, {%11}, {%14,%15};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(scales_a), "r"(scales_b),
        "n"(ByteA), "n"(ThreadA), "n"(ByteB), "n"(ThreadB));
}
#endif

}  // namespace ptx
}  // namespace detail

NVQ_END_NAMESPACE

#endif
