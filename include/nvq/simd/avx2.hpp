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

constexpr Isa tier_of_kernels = Isa::avx2;

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
  words x{select(mask.low, a.low, b.low), select(mask.high, a.high, b.high)};
  __asm__("" : "+x"(x.low), "+x"(x.high));  // here: g++ would wait until x is used, and run out of registers
  return x;
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
/// x + a * b, rounded once.
NVQ_SIMD floats add_product(floats x, floats a, floats b) noexcept {
  return {_mm256_fmadd_ps(a.low, b.low, x.low), _mm256_fmadd_ps(a.high, b.high, x.high)};
}
/// `b` where one is NaN.
NVQ_SIMD floats smaller(floats a, floats b) noexcept {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
NVQ_SIMD floats larger(floats a, floats b) noexcept {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
/// min(|x|, limit), `limit` where x is NaN.
NVQ_SIMD floats min_magnitude(floats x, floats limit) noexcept {
  return smaller(as_floats(bits(x) & all(0x7FFFFFFFu)), limit);
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
/// 16 bytes with signs, widened.
NVQ_SIMD words load_signed(const std::uint8_t* p) noexcept {
  return {_mm256_cvtepi8_epi32(load8(p)), _mm256_cvtepi8_epi32(load8(p + 8))};
}
/// 16 half-words, widened.
NVQ_SIMD words load_low_halves(const std::uint16_t* p) noexcept {
  return {_mm256_cvtepu16_epi32(load16(p)), _mm256_cvtepu16_epi32(load16(p + 8))};
}
NVQ_SIMD floats load(const bfloat16* p) noexcept {
  return as_floats(shift_left<16>(load_low_halves(reinterpret_cast<const std::uint16_t*>(p))));
}
/// The even and the odd ones of 32 values.
NVQ_SIMD void load_even_odd(const bfloat16* p, floats& even, floats& odd) noexcept {
  const words x{load32(p), load32(p + 16)};
  even = as_floats(shift_left<16>(x));
  odd = as_floats(x & all(0xFFFF0000u));
}
/// Eight lanes each.
NVQ_SIMD floats halves(float low, float high) noexcept { return {_mm256_set1_ps(low), _mm256_set1_ps(high)}; }
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

NVQ_SIMD void transpose8(__m256 (&rows)[8]) noexcept {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    a[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      const __m256d x = _mm256_castps_pd(a[i + j]), y = _mm256_castps_pd(a[i + 2 + j]);
      b[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(x, y));
      b[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(x, y));
    }
  // 128-bit lane l of b[4k + j] has column 4l + j of rows 4k ... 4k + 3.
  for (int j = 0; j < 4; ++j) {
    rows[j] = _mm256_permute2f128_ps(b[j], b[4 + j], 0x20);
    rows[4 + j] = _mm256_permute2f128_ps(b[j], b[4 + j], 0x31);
  }
}
/// Lane i of row j goes to lane j of row i.
NVQ_SIMD void transpose(floats (&rows)[16]) noexcept {
  __m256 quarters[4][8];
  for (int i = 0; i < 8; ++i) {
    quarters[0][i] = rows[i].low;
    quarters[1][i] = rows[8 + i].low;
    quarters[2][i] = rows[i].high;
    quarters[3][i] = rows[8 + i].high;
  }
  for (auto& quarter : quarters) transpose8(quarter);
  for (int i = 0; i < 8; ++i) {
    rows[i] = {quarters[0][i], quarters[1][i]};
    rows[8 + i] = {quarters[2][i], quarters[3][i]};
  }
}

#include <nvq/simd/avx2_codes.inc>

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
NVQ_SIMD void store_halves(std::uint16_t* p, __m256i x) noexcept {
  if constexpr (Stream)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), x);
  else
    store32(p, x);
}
/// The upper half-words of both.
template <bool Stream>
NVQ_SIMD void store_upper_halves(std::uint16_t* p, words a, words b) noexcept {
  store_halves<Stream>(p, low_halves(shift_right<16>(a)));
  store_halves<Stream>(p + 16, low_halves(shift_right<16>(b)));
}
/// binary16, rounded to nearest even.
NVQ_SIMD __m256i as_halves(floats x) noexcept {
  constexpr int nearest = _MM_FROUND_TO_NEAREST_INT;
  return _mm256_set_m128i(_mm256_cvtps_ph(x.high, nearest), _mm256_cvtps_ph(x.low, nearest));
}
template <bool Stream>
NVQ_SIMD void store_as_halves(std::uint16_t* p, floats a, floats b) noexcept {
  store_halves<Stream>(p, as_halves(a));
  store_halves<Stream>(p + 16, as_halves(b));
}
NVQ_SIMD void stream_fence() noexcept { _mm_sfence(); }

#include <nvq/simd/avx2_halves.inc>
#include <nvq/simd/avx2_palettes.inc>
#include <nvq/simd/no_bytes.inc>

// In this order.
// clang-format off
#include <nvq/simd/avx2_shorts.inc>
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
}  // namespace avx2
}  // namespace simd
NVQ_END_NAMESPACE

#endif
