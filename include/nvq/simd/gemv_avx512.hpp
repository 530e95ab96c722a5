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

/// The values of 32 codes of E4M3 or E5M2: binary16 has the exponents of both, those of E4M3 times 2^-8.
template <class E>
NVQ_SIMD void fp8_values(const std::uint8_t* in, floats& a, floats& b) noexcept {
  const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in));
  __m512i half;
  if constexpr (E::mantissa_bits == 3) {
    // Widened with its sign, a code is 0x3F80 or 0xBF80 here where it is NaN.
    const __m512i wide = _mm512_slli_epi16(_mm512_cvtepi8_epi16(bytes), 7);
    half = _mm512_and_si512(wide, _mm512_set1_epi16(static_cast<short>(0xBFFF)));
    const __m512i magnitude = _mm512_and_si512(wide, _mm512_set1_epi16(0x3FFF));
    half = _mm512_mask_mov_epi16(half, _mm512_cmpeq_epi16_mask(magnitude, _mm512_set1_epi16(0x3F80)),
                                 _mm512_set1_epi16(0x7E00));
  } else {
    half = _mm512_slli_epi16(_mm512_cvtepu8_epi16(bytes), 8);
  }
  a.v = _mm512_cvtph_ps(_mm512_castsi512_si256(half));
  b.v = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(half, 1));
  if constexpr (E::mantissa_bits == 3) {
    a.v = _mm512_mul_ps(a.v, _mm512_set1_ps(256.0f));
    b.v = _mm512_mul_ps(b.v, _mm512_set1_ps(256.0f));
  }
}
constexpr bool has_fp8_values = true;

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

#include <nvq/simd/gemv_kernels.inc>

NVQ_END_TARGET

}  // namespace
}  // namespace avx512
}  // namespace simd
NVQ_END_NAMESPACE

#endif
