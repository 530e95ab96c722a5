// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/gemv_avx512.hpp>

#if NVQ_SIMD_X86

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace avx512 {
namespace {

NVQ_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,avx2,fma,f16c,bmi2")

/// The integers of a format by nibble, raised by `offset` to bytes without sign; four times, for indices of six bits.
struct byte_table {
  alignas(64) std::uint8_t value[64];
};

/// The integer products of one chunk of 128 columns of a row, as floats, times the scales, added to acc. `x`: 64 even
/// columns and 64 odd ones, or 128 in order; `begin`: -offset times the lanes' sums of x.
template <class E, int B, bool Affine>
NVQ_SIMD floats add_integers(__m512i table, const std::uint8_t* codes, const float* scales,
                             const float* zeros, const std::int8_t* x, const std::int32_t* begin,
                             const float* sums, const float* x_scales, floats acc) noexcept {
  const __m512i a = _mm512_loadu_si512(codes), xa = _mm512_loadu_si512(x), xb = _mm512_loadu_si512(x + 64);
  const __m512i t = _mm512_loadu_si512(begin);
  const floats s = spread<B>(scales);
  if constexpr (E::bits == 4) {
    const __m512i low = _mm512_permutexvar_epi8(a, table);
    const __m512i high = _mm512_permutexvar_epi8(_mm512_srli_epi16(a, 4), table);
    floats f{_mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_dpbusd_epi32(t, low, xa), high, xb))};
    if constexpr (Affine) f = fused(spread<B>(zeros), load(sums), f);
    return fused(f, s * load(x_scales), acc);
  } else {
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80)), b = _mm512_loadu_si512(codes + 64);
    const floats f{_mm512_cvtepi32_ps(_mm512_dpbusd_epi32(t, _mm512_xor_si512(a, flip), xa))};
    const floats g{_mm512_cvtepi32_ps(
        _mm512_dpbusd_epi32(_mm512_loadu_si512(begin + 16), _mm512_xor_si512(b, flip), xb))};
    return fused(g, s * load(x_scales + 16), fused(f, s * load(x_scales), acc));
  }
  (void)zeros, (void)sums, (void)table;
}

/// add_products() of activations in int8.
template <class E, int B, bool Affine, int Rows, int Batch>
static void add_integer_products(const byte_table& bytes, const std::uint8_t* const* codes,
                                 const float* const* scales, const float* const* zeros, std::int64_t chunks,
                                 const std::int8_t* x, std::int64_t stride, const std::int32_t* begin,
                                 const float* sums, const float* x_scales, std::int64_t ahead,
                                 float* acc_of) noexcept {
  constexpr std::int64_t lanes = E::bits == 4 ? 16 : 32;  // a chunk
  const __m512i table = _mm512_load_si512(bytes.value);
  floats acc[Rows][Batch];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int b = 0; b < Batch; ++b) acc[r][b] = load(acc_of + (r * Batch + b) * 16);
  for (std::int64_t i = 0; i < chunks; ++i) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const std::uint8_t* p = codes[r] + i * 16 * E::bits;
      prefetch(p + ahead);
      if (E::bits > 4) prefetch(p + ahead + 64);
#pragma GCC unroll 8
      for (int b = 0; b < Batch; ++b) {
        const std::int64_t lane = (b * stride / 128 + i) * lanes;
        acc[r][b] = add_integers<E, B, Affine>(
            table, p, scales[r] + i * (128 / B), (Affine ? zeros : scales)[r] + i * (128 / B),
            x + b * stride + i * 128, begin + lane, sums + lane, x_scales + lane, acc[r][b]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int b = 0; b < Batch; ++b) store(acc_of + (r * Batch + b) * 16, acc[r][b]);
}

struct vnni_isa : gemv_isa {
  template <class E, int B, bool Affine, int Rows, int Batch>
  static void add(const std::uint8_t* table, const std::uint8_t* const* codes, const float* const* scales,
                  const float* const* zeros, std::int64_t chunks, const std::int8_t* x, std::int64_t stride,
                  const std::int32_t* begin, const float* sums, const float* x_scales, std::int64_t ahead,
                  float* acc) noexcept {
    byte_table bytes;
    for (int i = 0; i < 64; ++i) bytes.value[i] = table[i % 16];
    add_integer_products<E, B, Affine, Rows, Batch>(bytes, codes, scales, zeros, chunks, x, stride, begin,
                                                    sums, x_scales, ahead, acc);
  }
};

NVQ_END_TARGET

inline bool vnni_available() noexcept { return __builtin_cpu_supports("avx512vnni"); }

}  // namespace
}  // namespace avx512
}  // namespace simd
NVQ_END_NAMESPACE

#endif
