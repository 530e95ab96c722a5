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

/// Elements of four bits that are bfloat16: bytes are looked up, 32 at a time, where floats are eight.
template <class E>
constexpr bool has_nibble_planes = !std::is_same<E, NormalFloat4>::value;
struct nibble_tables {
  __m256i low, high;
};
template <class E>
NVQ_SIMD nibble_tables load_nibble_tables() noexcept {
  return {_mm256_broadcastsi128_si256(load16(element_bytes<E>.low)),
          _mm256_broadcastsi128_si256(load16(element_bytes<E>.high))};
}
/// Codes k of sixteen words, as floats.
struct nibble_planes {
  __m256i even[2][2], odd[2][2];  ///< bfloat16 of bytes 0 and 1, 2 and 3 of the words of a lane
  NVQ_MEMBER nibble_planes(nibble_tables t, const std::uint8_t* codes) noexcept {
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i transposed = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8,
                                                12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      const __m256i bytes = _mm256_shuffle_epi8(load32(codes + 32 * i), transposed);
      const __m256i a = _mm256_and_si256(bytes, nibble),
                    b = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
      const __m256i al = _mm256_shuffle_epi8(t.low, a), ah = _mm256_shuffle_epi8(t.high, a),
                    bl = _mm256_shuffle_epi8(t.low, b), bh = _mm256_shuffle_epi8(t.high, b);
      even[i][0] = _mm256_unpacklo_epi8(al, ah), even[i][1] = _mm256_unpackhi_epi8(al, ah);
      odd[i][0] = _mm256_unpacklo_epi8(bl, bh), odd[i][1] = _mm256_unpackhi_epi8(bl, bh);
    }
  }
  NVQ_MEMBER __m256 half_of_value(int i, int k) const noexcept {
    const __m256i x = k % 2 == 0 ? even[i][k / 4] : odd[i][k / 4], zero = _mm256_setzero_si256();
    return _mm256_castsi256_ps(k / 2 % 2 == 0 ? _mm256_unpacklo_epi16(zero, x)
                                              : _mm256_unpackhi_epi16(zero, x));
  }
  NVQ_MEMBER floats value(int k) const noexcept { return {half_of_value(0, k), half_of_value(1, k)}; }
};

#include <nvq/simd/gemv_kernels.inc>

// What gemv_vnni.hpp says of each.

struct byte_table {
  __m256i v;
};
NVQ_SIMD byte_table load_byte_table(const std::uint8_t* values) noexcept {
  return {_mm256_broadcastsi128_si256(load16(values))};
}
/// The sums of fours of sixteen-bit pairs' sums: those of 32 products of bytes.
NVQ_SIMD __m256i in_fours(__m256i pairs) noexcept { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }

/// Values of at most 24 and x of at most 127: four products are no more than half-words hold.
NVQ_SIMD __m256i dot_half(byte_table table, const std::uint8_t* codes, const std::int8_t* x,
                          const std::int32_t* begin) noexcept {
  const __m256i a = load32(codes), nibble = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(table.v, _mm256_and_si256(a, nibble));
  const __m256i high = _mm256_shuffle_epi8(table.v, _mm256_and_si256(_mm256_srli_epi16(a, 4), nibble));
  const __m256i pairs =
      _mm256_add_epi16(_mm256_maddubs_epi16(low, load32(x)), _mm256_maddubs_epi16(high, load32(x + 64)));
  return _mm256_add_epi32(load32(begin), in_fours(pairs));
}
NVQ_SIMD words dot_nibbles(byte_table table, const std::uint8_t* codes, const std::int8_t* x,
                           const std::int32_t* begin) noexcept {
  return {dot_half(table, codes, x, begin), dot_half(table, codes + 32, x + 32, begin + 8)};
}
/// |w| times x with the sign of w: two products of at most 128 * 127 are no more than half-words hold.
NVQ_SIMD __m256i dot_half(const std::uint8_t* codes, const std::int8_t* x) noexcept {
  const __m256i w = load32(codes);
  return in_fours(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(load32(x), w)));
}
NVQ_SIMD words dot_bytes(const std::uint8_t* codes, const std::int8_t* x, const std::int32_t*) noexcept {
  return {dot_half(codes, x), dot_half(codes + 32, x + 32)};
}

#include <nvq/simd/gemv_int8_kernels.inc>

NVQ_END_TARGET

}  // namespace
}  // namespace avx2
}  // namespace simd
NVQ_END_NAMESPACE

#endif
