// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/gemv_avx512.hpp>

#if NVQ_SIMD_X86

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace avx512 {
namespace {

NVQ_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma,f16c,bmi2")

struct byte_table {
  __m512i v;
};
/// Sixteen bytes, which are repeated for indices of six bits.
NVQ_SIMD byte_table load_byte_table(const std::uint8_t* values) noexcept {
  return {_mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values)))};
}

/// begin + the sums of eight products each: the table's bytes of 64 even codes and 64 odd ones, times x.
NVQ_SIMD words dot_nibbles(byte_table table, const std::uint8_t* codes, const std::int8_t* x,
                           const std::int32_t* begin) noexcept {
  const __m512i a = _mm512_loadu_si512(codes);
  const __m512i low = _mm512_permutexvar_epi8(a, table.v);
  const __m512i high = _mm512_permutexvar_epi8(_mm512_srli_epi16(a, 4), table.v);
  const __m512i sum = _mm512_dpbusd_epi32(_mm512_loadu_si512(begin), low, _mm512_loadu_si512(x));
  return {_mm512_dpbusd_epi32(sum, high, _mm512_loadu_si512(x + 64))};
}
/// The sums of four products of bytes each; begin: -128 times the sums of x.
NVQ_SIMD words dot_bytes(const std::uint8_t* codes, const std::int8_t* x,
                         const std::int32_t* begin) noexcept {
  const __m512i raised = _mm512_xor_si512(_mm512_loadu_si512(codes), _mm512_set1_epi8(-128));
  return {_mm512_dpbusd_epi32(_mm512_loadu_si512(begin), raised, _mm512_loadu_si512(x))};
}

#include <nvq/simd/gemv_int8_kernels.inc>

NVQ_END_TARGET

inline bool vnni_available() noexcept { return __builtin_cpu_supports("avx512vnni"); }

}  // namespace
}  // namespace avx512
}  // namespace simd
NVQ_END_NAMESPACE

#endif
