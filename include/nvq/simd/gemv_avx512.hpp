// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/avx512.hpp>

#if NVQ_SIMD_X86

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace avx512 {
namespace {

NVQ_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma,f16c,bmi2")

/// How many activations a pass over weights is multiplied with, two rows at a time: what registers have room for.
constexpr int largest_batch = 4;

/// a * b + c, rounded once.
NVQ_SIMD floats fused(floats a, floats b, floats c) noexcept { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
/// a * b, which is not added to anything but by `fused`.
NVQ_SIMD floats times(floats a, floats b) noexcept { return {_mm512_mul_ps(a.v, b.v)}; }
NVQ_SIMD words load_words(const std::uint8_t* p) noexcept { return {_mm512_loadu_si512(p)}; }
NVQ_SIMD void prefetch(const std::uint8_t* p) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}
/// Indices into a table of sixteen: a permutation reads no more than four bits.
NVQ_SIMD words nibbles(words w) noexcept { return w; }

/// Lane i is p[8 * i / B]: scales of blocks of B columns, of which a lane has eight.
template <int B>
NVQ_SIMD floats spread(const float* p) noexcept {
  if constexpr (B == 128) {
    return {_mm512_set1_ps(*p)};
  } else if constexpr (B == 64) {
    const __m512 both =
        _mm512_castps128_ps512(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
    return {_mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), both)};
  } else if constexpr (B == 32) {
    return {_mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
                                  _mm512_castps128_ps512(_mm_loadu_ps(p)))};
  } else {
    static_assert(B == 16, "blocks of 16, 32, 64 and 128");
    return {_mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
                                  _mm512_castps256_ps512(_mm256_loadu_ps(p)))};
  }
}

#include <nvq/simd/no_nibble_planes.inc>

#include <nvq/simd/gemv_kernels.inc>

NVQ_END_TARGET

}  // namespace
}  // namespace avx512
}  // namespace simd
NVQ_END_NAMESPACE

#endif
