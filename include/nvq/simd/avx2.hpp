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
namespace avx2 {
namespace {

NVQ_BEGIN_TARGET("avx2,fma,f16c")

// Sixteen lanes: two registers.

struct floats {
  __m256 low, high;
};
struct words {
  __m256i low, high;
};

NVQ_SIMD floats all(float x) noexcept {
  const __m256 v = _mm256_set1_ps(x);
  return {v, v};
}
NVQ_SIMD words all(std::uint32_t x) noexcept {
  const __m256i v = _mm256_set1_epi32(static_cast<int>(x));
  return {v, v};
}
NVQ_SIMD words bits(floats x) noexcept { return {_mm256_castps_si256(x.low), _mm256_castps_si256(x.high)}; }
NVQ_SIMD floats as_floats(words x) noexcept {
  return {_mm256_castsi256_ps(x.low), _mm256_castsi256_ps(x.high)};
}

NVQ_SIMD words operator&(words a, words b) noexcept {
  return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
}
NVQ_SIMD words operator|(words a, words b) noexcept {
  return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
}
NVQ_SIMD words operator+(words a, words b) noexcept {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
NVQ_SIMD words operator-(words a, words b) noexcept {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}
template <int N>
NVQ_SIMD words shift_left(words a) noexcept {
  return {_mm256_slli_epi32(a.low, N), _mm256_slli_epi32(a.high, N)};
}
template <int N>
NVQ_SIMD words shift_right(words a) noexcept {
  return {_mm256_srli_epi32(a.low, N), _mm256_srli_epi32(a.high, N)};
}
/// The bits of `a` where `mask` has ones, of `b` elsewhere.
NVQ_SIMD __m256i select(__m256i mask, __m256i a, __m256i b) noexcept {
  return _mm256_or_si256(_mm256_and_si256(mask, a), _mm256_andnot_si256(mask, b));
}
NVQ_SIMD words select(words mask, words a, words b) noexcept {
  return {select(mask.low, a.low, b.low), select(mask.high, a.high, b.high)};
}
NVQ_SIMD words max_unsigned(words a, words b) noexcept {
  return {_mm256_max_epu32(a.low, b.low), _mm256_max_epu32(a.high, b.high)};
}
NVQ_SIMD words min_signed(words a, words b) noexcept {
  return {_mm256_min_epi32(a.low, b.low), _mm256_min_epi32(a.high, b.high)};
}
NVQ_SIMD words max_signed(words a, words b) noexcept {
  return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
}

NVQ_SIMD floats operator+(floats a, floats b) noexcept {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
NVQ_SIMD floats operator-(floats a, floats b) noexcept {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
NVQ_SIMD floats operator/(floats a, floats b) noexcept {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
/// Rounded, whatever is done with the product: compilers fuse what they can see through.
NVQ_SIMD floats operator*(floats a, floats b) noexcept {
  __m256 low = _mm256_mul_ps(a.low, b.low), high = _mm256_mul_ps(a.high, b.high);
  __asm__("" : "+x"(low), "+x"(high));
  return {low, high};
}
/// `b` where one is NaN.
NVQ_SIMD floats min(floats a, floats b) noexcept {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
NVQ_SIMD floats max(floats a, floats b) noexcept {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
/// Rounded to nearest even.
NVQ_SIMD words to_int(floats x) noexcept { return {_mm256_cvtps_epi32(x.low), _mm256_cvtps_epi32(x.high)}; }
NVQ_SIMD floats from_int(words x) noexcept { return {_mm256_cvtepi32_ps(x.low), _mm256_cvtepi32_ps(x.high)}; }

template <int Predicate>
NVQ_SIMD words compare(floats x, floats y) noexcept {
  return bits(floats{_mm256_cmp_ps(x.low, y.low, Predicate), _mm256_cmp_ps(x.high, y.high, Predicate)});
}
/// `a` where the lanes of `mask` are all ones, `b` where they are 0.
NVQ_SIMD words blend(words mask, words a, words b) noexcept {
  return {_mm256_blendv_epi8(b.low, a.low, mask.low), _mm256_blendv_epi8(b.high, a.high, mask.high)};
}
/// `a` where x < y, else `b`.
NVQ_SIMD words where_less(floats x, floats y, words a, words b) noexcept {
  return blend(compare<_CMP_LT_OQ>(x, y), a, b);
}
/// `a` where x == y, else `b`.
NVQ_SIMD words where_equal(words x, words y, words a, words b) noexcept {
  return blend({_mm256_cmpeq_epi32(x.low, y.low), _mm256_cmpeq_epi32(x.high, y.high)}, a, b);
}
/// `a` where x > y as signed integers, else `b`.
NVQ_SIMD words where_above(words x, words y, words a, words b) noexcept {
  return blend({_mm256_cmpgt_epi32(x.low, y.low), _mm256_cmpgt_epi32(x.high, y.high)}, a, b);
}
NVQ_SIMD words where_equal(floats x, floats y, words a, words b) noexcept {
  return blend(compare<_CMP_EQ_OQ>(x, y), a, b);
}

NVQ_SIMD __m128i half_of(__m256i x, bool upper) noexcept {
  return upper ? _mm256_extracti128_si256(x, 1) : _mm256_castsi256_si128(x);
}
NVQ_SIMD __m256i load32(const void* p) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
NVQ_SIMD __m128i load16(const void* p) noexcept { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
NVQ_SIMD __m128i load8(const void* p) noexcept { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
NVQ_SIMD int load4(const std::uint8_t* p) noexcept {
  int x;
  __builtin_memcpy(&x, p, 4);
  return x;
}
NVQ_SIMD void store32(void* p, __m256i x) noexcept { _mm256_storeu_si256(static_cast<__m256i*>(p), x); }
NVQ_SIMD void store16(void* p, __m128i x) noexcept { _mm_storeu_si128(static_cast<__m128i*>(p), x); }
NVQ_SIMD void store8(void* p, __m128i x) noexcept { _mm_storel_epi64(static_cast<__m128i*>(p), x); }

NVQ_SIMD std::uint32_t largest_unsigned(words x) noexcept {
  const __m256i eight = _mm256_max_epu32(x.low, x.high);
  const __m128i four = _mm_max_epu32(half_of(eight, false), half_of(eight, true));
  const __m128i two = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_max_epu32(two, _mm_shuffle_epi32(two, 0xB1))));
}

NVQ_SIMD floats load(const float* p) noexcept { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
/// 16 half-words, widened.
NVQ_SIMD words load_low_halves(const std::uint16_t* p) noexcept {
  return {_mm256_cvtepu16_epi32(load16(p)), _mm256_cvtepu16_epi32(load16(p + 8))};
}
NVQ_SIMD floats load(const bfloat16* p) noexcept {
  return as_floats(shift_left<16>(load_low_halves(reinterpret_cast<const std::uint16_t*>(p))));
}
NVQ_SIMD floats load(const half* p) noexcept {
  return {_mm256_cvtph_ps(load16(p)), _mm256_cvtph_ps(load16(p + 8))};
}
NVQ_SIMD words load(const std::uint32_t* p) noexcept { return {load32(p), load32(p + 8)}; }
NVQ_SIMD void store(float* p, floats x) noexcept {
  _mm256_storeu_ps(p, x.low);
  _mm256_storeu_ps(p + 8, x.high);
}
NVQ_SIMD void store(std::uint32_t* p, words x) noexcept {
  store32(p, x.low);
  store32(p + 8, x.high);
}
/// The low half-words of sixteen lanes, whose other bits are zero, in order.
NVQ_SIMD __m256i low_halves(words x) noexcept {
  return _mm256_permute4x64_epi64(_mm256_packus_epi32(x.low, x.high), 0xD8);
}
NVQ_SIMD void store_low_halves(std::uint16_t* p, words x) noexcept { store32(p, low_halves(x)); }
/// binary16 bits, rounded to nearest even.
NVQ_SIMD words half_bits(floats x) noexcept {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT;
  return {_mm256_cvtepu16_epi32(_mm256_cvtps_ph(x.low, nearest)),
          _mm256_cvtepu16_epi32(_mm256_cvtps_ph(x.high, nearest))};
}
NVQ_SIMD floats from_half_bits(words x) noexcept {
  const __m256i h = low_halves(x);
  return {_mm256_cvtph_ps(half_of(h, false)), _mm256_cvtph_ps(half_of(h, true))};
}

/// Lane i of the result is the largest lane of rows[i], all read as unsigned.
NVQ_SIMD words max_across(const words (&rows)[16]) noexcept {
  __m256i a[8], b[4];
  for (int i = 0; i < 8; ++i) {
    const __m256i x = _mm256_max_epu32(rows[2 * i].low, rows[2 * i].high);
    const __m256i y = _mm256_max_epu32(rows[2 * i + 1].low, rows[2 * i + 1].high);
    a[i] = _mm256_max_epu32(_mm256_unpacklo_epi32(x, y), _mm256_unpackhi_epi32(x, y));
  }
  for (int i = 0; i < 4; ++i)
    b[i] = _mm256_max_epu32(_mm256_unpacklo_epi64(a[2 * i], a[2 * i + 1]),
                            _mm256_unpackhi_epi64(a[2 * i], a[2 * i + 1]));
  // Both 128-bit lanes of b[i] have partial maxima of rows 4i ... 4i + 3.
  return {_mm256_max_epu32(_mm256_permute2x128_si256(b[0], b[1], 0x20),
                           _mm256_permute2x128_si256(b[0], b[1], 0x31)),
          _mm256_max_epu32(_mm256_permute2x128_si256(b[2], b[3], 0x20),
                           _mm256_permute2x128_si256(b[2], b[3], 0x31))};
}

/// The low bytes of 32 lanes, whose other bits are zero: byte 16 k + 8 v + 4 h + j is lane 8 h + 4 k + j of vector v.
NVQ_SIMD __m256i low_bytes(words a, words b) noexcept {
  return _mm256_packus_epi16(_mm256_packus_epi32(a.low, a.high), _mm256_packus_epi32(b.low, b.high));
}
NVQ_SIMD __m256i low_bytes_in_order(words a, words b) noexcept {
  return _mm256_permutevar8x32_epi32(low_bytes(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
/// Twelve bytes at the start of both 128-bit lanes: the 6-bit codes in 32 bytes.
NVQ_SIMD __m256i pack6(__m256i codes) noexcept {
  const __m256i quads = _mm256_madd_epi16(_mm256_maddubs_epi16(codes, _mm256_set1_epi16(0x4001)),
                                          _mm256_set1_epi32(0x10000001));
  return _mm256_shuffle_epi8(quads, _mm256_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
                                                     0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
}
NVQ_SIMD void store12(std::uint8_t* out, __m128i x) noexcept {
  store8(out, x);
  const int last = _mm_extract_epi32(x, 2);
  __builtin_memcpy(out + 8, &last, 4);
}

/// Codes in the low bits of lanes, other bits zero, to consecutive bytes.
template <int Bits>
NVQ_SIMD void store_codes(std::uint8_t* out, words codes) noexcept {
  const __m128i bytes = half_of(low_bytes_in_order(codes, codes), false);
  if constexpr (Bits == 8) {
    store16(out, bytes);
  } else if constexpr (Bits == 4) {
    const __m128i pairs = _mm_maddubs_epi16(bytes, _mm_set1_epi16(0x1001));
    store8(out, _mm_packus_epi16(pairs, pairs));
  } else {
    static_assert(Bits == 6, "codes of 4, 6 and 8 bits");
    store12(out, half_of(pack6(_mm256_castsi128_si256(bytes)), false));
  }
}
/// 64 codes.
template <int Bits>
NVQ_SIMD void store_codes(std::uint8_t* out, words a, words b, words c, words d) noexcept {
  if constexpr (Bits == 8) {
    store32(out, low_bytes_in_order(a, b));
    store32(out + 32, low_bytes_in_order(c, d));
  } else if constexpr (Bits == 4) {
    // Half-word 8 k + 2 v + h has lanes 8 h + 4 k ... + 3 of vector v: k goes to the lowest place.
    const __m256i weights = _mm256_set1_epi16(0x1001);
    const __m256i packed = _mm256_packus_epi16(_mm256_maddubs_epi16(low_bytes(a, b), weights),
                                               _mm256_maddubs_epi16(low_bytes(c, d), weights));
    const __m256i halves = _mm256_permute4x64_epi64(packed, 0xD8);
    store32(out, _mm256_shuffle_epi8(
                     halves, _mm256_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15, 0, 1, 8,
                                              9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15)));
  } else {
    static_assert(Bits == 6, "codes of 4, 6 and 8 bits");
    const __m256i x = pack6(low_bytes_in_order(a, b)), y = pack6(low_bytes_in_order(c, d));
    store16(out, half_of(x, false));
    store16(out + 12, half_of(x, true));
    store16(out + 24, half_of(y, false));
    store12(out + 36, half_of(y, true));
  }
}

/// 16 codes from consecutive bytes.
template <int Bits>
NVQ_SIMD words load_codes(const std::uint8_t* in) noexcept {
  if constexpr (Bits == 8) {
    return {_mm256_cvtepu8_epi32(load8(in)), _mm256_cvtepu8_epi32(load8(in + 8))};
  } else if constexpr (Bits == 4) {
    const __m256i shifts = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28);
    return words{_mm256_srlv_epi32(_mm256_set1_epi32(load4(in)), shifts),
                 _mm256_srlv_epi32(_mm256_set1_epi32(load4(in + 4)), shifts)} &
           all(15u);
  } else {
    static_assert(Bits == 6, "codes of 4, 6 and 8 bits");
    // Three bytes, four codes: every dword gets the bytes of its quad.
    const __m256i bytes = _mm256_broadcastsi128_si256(_mm_insert_epi32(load8(in), load4(in + 8), 2));
    const __m256i order = _mm256_setr_epi8(0, 1, 2, -1, 0, 1, 2, -1, 0, 1, 2, -1, 0, 1, 2, -1, 3, 4, 5, -1, 3,
                                           4, 5, -1, 3, 4, 5, -1, 3, 4, 5, -1);
    const __m256i next = _mm256_setr_epi8(6, 7, 8, -1, 6, 7, 8, -1, 6, 7, 8, -1, 6, 7, 8, -1, 9, 10, 11, -1,
                                          9, 10, 11, -1, 9, 10, 11, -1, 9, 10, 11, -1);
    const __m256i shifts = _mm256_setr_epi32(0, 6, 12, 18, 0, 6, 12, 18);
    return words{_mm256_srlv_epi32(_mm256_shuffle_epi8(bytes, order), shifts),
                 _mm256_srlv_epi32(_mm256_shuffle_epi8(bytes, next), shifts)} &
           all(63u);
  }
}

struct table16 {
  __m256 low, high;
};
NVQ_SIMD table16 load_table(const float* p) noexcept { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
/// index: 0 ... 15.
NVQ_SIMD floats lookup(table16 table, words index) noexcept {
  const floats upper = as_floats(shift_left<28>(index));  // bit 3 as the sign
  return {_mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, index.low),
                           _mm256_permutevar8x32_ps(table.high, index.low), upper.low),
          _mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, index.high),
                           _mm256_permutevar8x32_ps(table.high, index.high), upper.high)};
}

/// bfloat16 bits, rounded to nearest even; NaN 0x7FC0 with its sign.
NVQ_SIMD words bfloat16_bits(floats x) noexcept {
  const words b = bits(x), odd = shift_right<16>(b) & all(1u);
  const words nan = (b | all(0x7FC00000u)) & all(0xFFC00000u);
  return shift_right<16>(blend(compare<_CMP_UNORD_Q>(x, x), nan, b + all(0x7FFFu) + odd));
}
/// binary16 bits; NaN 0x7E00 with its sign.
NVQ_SIMD words canonical_half_bits(floats x) noexcept {
  const words nan = (bits(x) & all(0x80000000u)) | all(0x7FC00000u);
  return half_bits(as_floats(blend(compare<_CMP_UNORD_Q>(x, x), nan, bits(x))));
}

/// 32 values of a pair of vectors; `Stream` goes past the caches and takes 64-byte alignment.
template <bool Stream>
NVQ_SIMD void store_pair(float* p, floats a, floats b) noexcept {
  if constexpr (Stream) {
    _mm256_stream_ps(p, a.low);
    _mm256_stream_ps(p + 8, a.high);
    _mm256_stream_ps(p + 16, b.low);
    _mm256_stream_ps(p + 24, b.high);
  } else {
    store(p, a);
    store(p + 16, b);
  }
}
template <bool Stream>
NVQ_SIMD void store_pair(std::uint16_t* p, words a, words b) noexcept {
  if constexpr (Stream) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), low_halves(a));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p + 16), low_halves(b));
  } else {
    store32(p, low_halves(a));
    store32(p + 16, low_halves(b));
  }
}
NVQ_SIMD void stream_fence() noexcept { _mm_sfence(); }

#include <nvq/simd/decode_kernels.inc>
#include <nvq/simd/encode_kernels.inc>
#include <nvq/simd/scale_kernels.inc>

#include <nvq/simd/isa_face.inc>

NVQ_END_TARGET

}  // namespace
}  // namespace avx2
}  // namespace simd
NVQ_END_NAMESPACE

#endif
