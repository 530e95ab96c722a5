// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/target.hpp>

#if NVQ_SIMD_X86

#include <immintrin.h>

#include <cstdint>
#include <nvq/float16.hpp>
#include <nvq/simd/plan.hpp>

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace avx512 {
namespace {

constexpr Isa tier_of_kernels = Isa::avx512;

NVQ_BEGIN_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,fma,f16c,bmi2")

// Sixteen lanes: one register.

struct floats {
  __m512 v;
};
struct words {
  __m512i v;
};

NVQ_SIMD floats all(float x) noexcept { return {_mm512_set1_ps(x)}; }
NVQ_SIMD words all(std::uint32_t x) noexcept { return {_mm512_set1_epi32(static_cast<int>(x))}; }
NVQ_SIMD words bits(floats x) noexcept { return {_mm512_castps_si512(x.v)}; }
NVQ_SIMD floats as_floats(words x) noexcept { return {_mm512_castsi512_ps(x.v)}; }

NVQ_SIMD words operator&(words a, words b) noexcept { return {_mm512_and_si512(a.v, b.v)}; }
NVQ_SIMD words operator|(words a, words b) noexcept { return {_mm512_or_si512(a.v, b.v)}; }
NVQ_SIMD words operator+(words a, words b) noexcept { return {_mm512_add_epi32(a.v, b.v)}; }
NVQ_SIMD words operator-(words a, words b) noexcept { return {_mm512_sub_epi32(a.v, b.v)}; }
// Not one statement: nvcc writes the template out so that g++ does not convert what depends on N.
template <unsigned N>
NVQ_SIMD words shift_left(words a) noexcept {
  const __m512i shifted = _mm512_slli_epi32(a.v, N);
  return {shifted};
}
template <unsigned N>
NVQ_SIMD words shift_right(words a) noexcept {
  const __m512i shifted = _mm512_srli_epi32(a.v, N);
  return {shifted};
}
/// The bits of `a` where `mask` has ones, of `b` elsewhere.
NVQ_SIMD words select(words mask, words a, words b) noexcept {
  return {_mm512_ternarylogic_epi32(mask.v, a.v, b.v, 0xCA)};
}
NVQ_SIMD words max_unsigned(words a, words b) noexcept { return {_mm512_max_epu32(a.v, b.v)}; }
NVQ_SIMD words min_signed(words a, words b) noexcept { return {_mm512_min_epi32(a.v, b.v)}; }
NVQ_SIMD words max_signed(words a, words b) noexcept { return {_mm512_max_epi32(a.v, b.v)}; }

NVQ_SIMD floats operator+(floats a, floats b) noexcept { return {_mm512_add_ps(a.v, b.v)}; }
NVQ_SIMD floats operator-(floats a, floats b) noexcept { return {_mm512_sub_ps(a.v, b.v)}; }
NVQ_SIMD floats operator/(floats a, floats b) noexcept { return {_mm512_div_ps(a.v, b.v)}; }
/// Rounded, whatever is done with the product: compilers fuse what they can see through.
NVQ_SIMD floats operator*(floats a, floats b) noexcept {
  __m512 product = _mm512_mul_ps(a.v, b.v);
  __asm__("" : "+v"(product));
  return {product};
}
/// x + a * b, rounded once.
NVQ_SIMD floats add_product(floats x, floats a, floats b) noexcept {
  return {_mm512_fmadd_ps(a.v, b.v, x.v)};
}
/// `b` where one is NaN.
NVQ_SIMD floats smaller(floats a, floats b) noexcept { return {_mm512_min_ps(a.v, b.v)}; }
NVQ_SIMD floats larger(floats a, floats b) noexcept { return {_mm512_max_ps(a.v, b.v)}; }
/// min(|x|, limit), `limit` where x is NaN.
NVQ_SIMD floats min_magnitude(floats x, floats limit) noexcept { return {_mm512_range_ps(x.v, limit.v, 10)}; }
/// Rounded to nearest even.
NVQ_SIMD words to_int(floats x) noexcept { return {_mm512_cvtps_epi32(x.v)}; }
NVQ_SIMD floats from_int(words x) noexcept { return {_mm512_cvtepi32_ps(x.v)}; }

/// `a` where x < y, else `b`.
NVQ_SIMD words where_less(floats x, floats y, words a, words b) noexcept {
  return {_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(x.v, y.v, _CMP_LT_OQ), b.v, a.v)};
}
/// `a` where x == y, else `b`.
NVQ_SIMD words where_equal(words x, words y, words a, words b) noexcept {
  return {_mm512_mask_blend_epi32(_mm512_cmpeq_epi32_mask(x.v, y.v), b.v, a.v)};
}
/// `a` where x > y as signed integers, else `b`.
NVQ_SIMD words where_above(words x, words y, words a, words b) noexcept {
  return {_mm512_mask_blend_epi32(_mm512_cmpgt_epi32_mask(x.v, y.v), b.v, a.v)};
}
NVQ_SIMD words where_equal(floats x, floats y, words a, words b) noexcept {
  return {_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(x.v, y.v, _CMP_EQ_OQ), b.v, a.v)};
}

NVQ_SIMD std::uint32_t largest_unsigned(words x) noexcept { return _mm512_reduce_max_epu32(x.v); }

NVQ_SIMD floats load(const float* p) noexcept { return {_mm512_loadu_ps(p)}; }
NVQ_SIMD floats load(const bfloat16* p) noexcept {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
}
/// The even and the odd ones of 32 values.
NVQ_SIMD void load_even_odd(const bfloat16* p, floats& even, floats& odd) noexcept {
  const __m512i x = _mm512_loadu_si512(p);
  even = {_mm512_castsi512_ps(_mm512_slli_epi32(x, 16))};
  odd = {_mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))))};
}
/// Eight lanes each.
NVQ_SIMD floats halves(float low, float high) noexcept {
  return {_mm512_mask_broadcastss_ps(_mm512_set1_ps(low), 0xFF00, _mm_set_ss(high))};
}
NVQ_SIMD floats load(const half* p) noexcept {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
NVQ_SIMD words load(const std::uint32_t* p) noexcept { return {_mm512_loadu_si512(p)}; }
NVQ_SIMD void store(float* p, floats x) noexcept { _mm512_storeu_ps(p, x.v); }
NVQ_SIMD void store(std::uint32_t* p, words x) noexcept { _mm512_storeu_si512(p, x.v); }
NVQ_SIMD void store_low_halves(std::uint16_t* p, words x) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(x.v));
}
/// binary16 bits, rounded to nearest even.
NVQ_SIMD words half_bits(floats x) noexcept {
  return {_mm512_cvtepu16_epi32(_mm512_cvtps_ph(x.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))};
}
NVQ_SIMD floats from_half_bits(words x) noexcept { return {_mm512_cvtph_ps(_mm512_cvtepi32_epi16(x.v))}; }

/// Lane i of the result is the largest lane of rows[i], all read as unsigned.
NVQ_SIMD words max_across(const words (&rows)[16]) noexcept {
  __m512i a[8], b[4], c[2];
  for (int i = 0; i < 8; ++i) {
    const __m512i x = rows[2 * i].v, y = rows[2 * i + 1].v;
    a[i] = _mm512_max_epu32(_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y));
  }
  for (int i = 0; i < 4; ++i)
    b[i] = _mm512_max_epu32(_mm512_unpacklo_epi64(a[2 * i], a[2 * i + 1]),
                            _mm512_unpackhi_epi64(a[2 * i], a[2 * i + 1]));
  // Every 128-bit lane of b[i] has partial maxima of rows 4i ... 4i + 3.
  for (int i = 0; i < 2; ++i)
    c[i] = _mm512_max_epu32(_mm512_shuffle_i32x4(b[2 * i], b[2 * i + 1], 0x88),
                            _mm512_shuffle_i32x4(b[2 * i], b[2 * i + 1], 0xDD));
  return {_mm512_max_epu32(_mm512_shuffle_i32x4(c[0], c[1], 0x88), _mm512_shuffle_i32x4(c[0], c[1], 0xDD))};
}

/// Lane i of row j goes to lane j of row i.
NVQ_SIMD void transpose(floats (&rows)[16]) noexcept {
  __m512 a[16], b[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_ps(rows[i].v, rows[i + 1].v);
    a[i + 1] = _mm512_unpackhi_ps(rows[i].v, rows[i + 1].v);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; ++j) {
      const __m512d x = _mm512_castps_pd(a[i + j]), y = _mm512_castps_pd(a[i + 2 + j]);
      b[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
      b[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    }
  // 128-bit lane l of b[4k + j] has column 4l + j of rows 4k ... 4k + 3.
  for (int j = 0; j < 4; ++j) {
    const __m512 even01 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0x88),
                 odd01 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0xDD);
    const __m512 even23 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0x88),
                 odd23 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0xDD);
    rows[j].v = _mm512_shuffle_f32x4(even01, even23, 0x88);
    rows[8 + j].v = _mm512_shuffle_f32x4(even01, even23, 0xDD);
    rows[4 + j].v = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
    rows[12 + j].v = _mm512_shuffle_f32x4(odd01, odd23, 0xDD);
  }
}

/// Codes in the low bits of lanes, other bits zero, to consecutive bytes.
template <int Bits>
NVQ_SIMD void store_codes(std::uint8_t* out, words codes) noexcept {
  const __m128i bytes = _mm512_cvtepi32_epi8(codes.v);
  if constexpr (Bits == 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
  } else if constexpr (Bits == 4) {
    const __m128i pairs = _mm_maddubs_epi16(bytes, _mm_set1_epi16(0x1001));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(pairs, pairs));
  } else {
    static_assert(Bits == 6, "codes of 4, 6 and 8 bits");
    const __m128i quads =
        _mm_madd_epi16(_mm_maddubs_epi16(bytes, _mm_set1_epi16(0x4001)), _mm_set1_epi32(0x10000001));
    const __m128i packed =
        _mm_shuffle_epi8(quads, _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), packed);
    const int last = _mm_extract_epi32(packed, 2);
    __builtin_memcpy(out + 8, &last, 4);
  }
}
/// 64 codes.
template <int Bits>
NVQ_SIMD void store_codes(std::uint8_t* out, words a, words b, words c, words d) noexcept {
  if constexpr (Bits == 4) {
    // Byte k of lane i is code i of vector k; neighbouring lanes join, then the bytes are put in order.
    const words all_codes = (a | shift_left<8>(b)) | (shift_left<16>(c) | shift_left<24>(d));
    const __m512i joined = _mm512_or_si512(all_codes.v, _mm512_srli_epi64(all_codes.v, 28));
    const __m512i order =
        _mm512_castsi256_si512(_mm256_setr_epi8(0, 8, 16, 24, 32, 40, 48, 56, 1, 9, 17, 25, 33, 41, 49, 57, 2,
                                                10, 18, 26, 34, 42, 50, 58, 3, 11, 19, 27, 35, 43, 51, 59));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                        _mm512_castsi512_si256(_mm512_permutexvar_epi8(order, joined)));
  } else {
    constexpr int bytes = 2 * Bits;
    store_codes<Bits>(out, a);
    store_codes<Bits>(out + bytes, b);
    store_codes<Bits>(out + 2 * bytes, c);
    store_codes<Bits>(out + 3 * bytes, d);
  }
}

/// 16 codes from consecutive bytes.
template <int Bits>
NVQ_SIMD words load_codes(const std::uint8_t* in) noexcept {
  if constexpr (Bits == 8) {
    return {_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)))};
  } else if constexpr (Bits == 4) {
    const __m512i both = _mm512_castsi128_si512(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in)));
    const __m512i half_each =
        _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), both);
    const __m512i shifts = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
    return {_mm512_and_si512(_mm512_srlv_epi32(half_each, shifts), _mm512_set1_epi32(15))};
  } else {
    static_assert(Bits == 6, "codes of 4, 6 and 8 bits");
    // Three bytes, four codes: every dword of lane 4i + k gets the bytes of quad i.
    int last;
    __builtin_memcpy(&last, in + 8, 4);
    const __m128i bytes = _mm_insert_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(in)), last, 2);
    const __m128i quads =
        _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1));
    const __m512i spread = _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), _mm512_castsi128_si512(quads));
    const __m512i shifts = _mm512_setr_epi32(0, 6, 12, 18, 0, 6, 12, 18, 0, 6, 12, 18, 0, 6, 12, 18);
    return {_mm512_and_si512(_mm512_srlv_epi32(spread, shifts), _mm512_set1_epi32(63))};
  }
}
/// 16 bytes with signs, widened.
NVQ_SIMD words load_signed(const std::uint8_t* p) noexcept {
  return {_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
/// 16 half-words, widened.
NVQ_SIMD words load_low_halves(const std::uint16_t* p) noexcept {
  return {_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}

struct table16 {
  __m512 v;
};
NVQ_SIMD table16 load_table(const float* p) noexcept { return {_mm512_loadu_ps(p)}; }
/// index: 0 ... 15.
NVQ_SIMD floats lookup(table16 table, words index) noexcept {
  return {_mm512_permutexvar_ps(index.v, table.v)};
}

/// 32 values of a pair of vectors; `Stream` goes past the caches and takes 64-byte alignment.
template <bool Stream>
NVQ_SIMD void store_pair(float* p, floats a, floats b) noexcept {
  if constexpr (Stream) {
    _mm512_stream_ps(p, a.v);
    _mm512_stream_ps(p + 16, b.v);
  } else {
    _mm512_storeu_ps(p, a.v);
    _mm512_storeu_ps(p + 16, b.v);
  }
}
template <bool Stream>
NVQ_SIMD void store_halves(std::uint16_t* p, __m512i x) noexcept {
  if constexpr (Stream)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), x);
  else
    _mm512_storeu_si512(p, x);
}
/// The upper half-words of both.
template <bool Stream>
NVQ_SIMD void store_upper_halves(std::uint16_t* p, words a, words b) noexcept {
  const __m512i odd =
      _mm512_setr_epi32(0x030001, 0x070005, 0x0B0009, 0x0F000D, 0x130011, 0x170015, 0x1B0019, 0x1F001D,
                        0x230021, 0x270025, 0x2B0029, 0x2F002D, 0x330031, 0x370035, 0x3B0039, 0x3F003D);
  store_halves<Stream>(p, _mm512_permutex2var_epi16(a.v, odd, b.v));
}
/// binary16, rounded to nearest even.
template <bool Stream>
NVQ_SIMD void store_as_halves(std::uint16_t* p, floats a, floats b) noexcept {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  store_halves<Stream>(p, _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtps_ph(a.v, nearest)),
                                             _mm512_cvtps_ph(b.v, nearest), 1));
}
NVQ_SIMD void stream_fence() noexcept { _mm_sfence(); }

#include <nvq/simd/avx512_bytes.inc>
#include <nvq/simd/avx512_palettes.inc>

// In this order.
// clang-format off
#include <nvq/simd/avx512_shorts.inc>
#include <nvq/simd/short_kernels.inc>
#include <nvq/simd/decode_kernels.inc>
#include <nvq/simd/palette_kernels.inc>
#include <nvq/simd/encode_kernels.inc>
#include <nvq/simd/scale_kernels.inc>
#include <nvq/simd/threshold_kernels.inc>
#include <nvq/simd/search_kernels.inc>
#include <nvq/simd/isa_face.inc>
// clang-format on

NVQ_END_TARGET

}  // namespace
}  // namespace avx512
}  // namespace simd
NVQ_END_NAMESPACE

#endif
