// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/avx2.hpp>

#if NVQ_SIMD_X86

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace avx2 {
namespace {

NVQ_BEGIN_TARGET("avx2,fma,f16c")

// What gemv_avx512.hpp says of each.

constexpr int largest_batch = 2;

NVQ_SIMD floats fused(floats a, floats b, floats c) noexcept {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
NVQ_SIMD floats times(floats a, floats b) noexcept {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
NVQ_SIMD words load_words(const std::uint8_t* p) noexcept {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
NVQ_SIMD void prefetch(const std::uint8_t* p) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}
NVQ_SIMD words nibbles(words w) noexcept { return w; }

template <int B>
NVQ_SIMD floats spread(const float* p) noexcept {
  if constexpr (B == 128) {
    return all(*p);
  } else if constexpr (B == 64) {
    return {_mm256_set1_ps(p[0]), _mm256_set1_ps(p[1])};
  } else if constexpr (B == 32) {
    return {_mm256_set_m128(_mm_set1_ps(p[1]), _mm_set1_ps(p[0])),
            _mm256_set_m128(_mm_set1_ps(p[3]), _mm_set1_ps(p[2]))};
  } else {
    static_assert(B == 16, "blocks of 16, 32, 64 and 128");
    const __m256 eight = _mm256_loadu_ps(p);
    return {_mm256_permutevar8x32_ps(eight, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
            _mm256_permutevar8x32_ps(eight, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
  }
}

#include <nvq/simd/gemv_kernels.inc>

NVQ_END_TARGET

}  // namespace
}  // namespace avx2
}  // namespace simd
NVQ_END_NAMESPACE

#endif
