// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/neon.hpp>

#if NVQ_SIMD_NEON

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace neon {
namespace {
#if !defined(__clang__)  // g++ warns of the sign of every array bound that is a template argument
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif

// What gemv_avx512.hpp says of each.

constexpr int largest_batch = 2;

NVQ_SIMD floats fused(floats a, floats b, floats c) noexcept {
  return {{vfmaq_f32(c.v[0], a.v[0], b.v[0]), vfmaq_f32(c.v[1], a.v[1], b.v[1]),
           vfmaq_f32(c.v[2], a.v[2], b.v[2]), vfmaq_f32(c.v[3], a.v[3], b.v[3])}};
}
NVQ_SIMD floats times(floats a, floats b) noexcept { return a * b; }
NVQ_SIMD words load_words(const std::uint8_t* p) noexcept {
  return {{vreinterpretq_u32_u8(vld1q_u8(p)), vreinterpretq_u32_u8(vld1q_u8(p + 16)),
           vreinterpretq_u32_u8(vld1q_u8(p + 32)), vreinterpretq_u32_u8(vld1q_u8(p + 48))}};
}
NVQ_SIMD void prefetch(const std::uint8_t* p) noexcept { __builtin_prefetch(p); }
NVQ_SIMD words nibbles(words w) noexcept { return w & all(15u); }

template <int B>
NVQ_SIMD floats spread(const float* p) noexcept {
  if constexpr (B == 128) {
    return all(*p);
  } else if constexpr (B == 64) {
    const float32x4_t a = vdupq_n_f32(p[0]), b = vdupq_n_f32(p[1]);
    return {{a, a, b, b}};
  } else if constexpr (B == 32) {
    return {{vdupq_n_f32(p[0]), vdupq_n_f32(p[1]), vdupq_n_f32(p[2]), vdupq_n_f32(p[3])}};
  } else {
    static_assert(B == 16, "blocks of 16, 32, 64 and 128");
    const float32x4_t a = vld1q_f32(p), b = vld1q_f32(p + 4);
    return {{vzip1q_f32(a, a), vzip2q_f32(a, a), vzip1q_f32(b, b), vzip2q_f32(b, b)}};
  }
}

#include <nvq/simd/no_nibble_planes.inc>

#include <nvq/simd/gemv_kernels.inc>

// What gemv_vnni.hpp says of each.

struct byte_table {
  int8x16_t v;
};
NVQ_SIMD byte_table load_byte_table(const std::uint8_t* values) noexcept {
  return {vreinterpretq_s8_u8(vld1q_u8(values))};
}
/// The sums of fours of sixteen half-words.
NVQ_SIMD int32x4_t in_fours(int16x8_t low, int16x8_t high) noexcept {
  return vpaddlq_s16(vpaddq_s16(low, high));
}

/// Values of at most 24 and x of at most 127: four products are no more than half-words hold.
NVQ_SIMD uint32x4_t dot_quarter(byte_table table, const std::uint8_t* codes, const std::int8_t* x,
                                const std::int32_t* begin) noexcept {
  const uint8x16_t a = vld1q_u8(codes);
  const int8x16_t even = vqtbl1q_s8(table.v, vandq_u8(a, vdupq_n_u8(15))),
                  odd = vqtbl1q_s8(table.v, vshrq_n_u8(a, 4));
  const int8x16_t xe = vld1q_s8(x), xo = vld1q_s8(x + 64);
  const int16x8_t low =
      vmlal_s8(vmull_s8(vget_low_s8(even), vget_low_s8(xe)), vget_low_s8(odd), vget_low_s8(xo));
  const int16x8_t high = vmlal_high_s8(vmull_high_s8(even, xe), odd, xo);
  return vreinterpretq_u32_s32(vaddq_s32(vld1q_s32(begin), in_fours(low, high)));
}
NVQ_SIMD words dot_nibbles(byte_table table, const std::uint8_t* codes, const std::int8_t* x,
                           const std::int32_t* begin) noexcept {
  return {{dot_quarter(table, codes, x, begin), dot_quarter(table, codes + 16, x + 16, begin + 4),
           dot_quarter(table, codes + 32, x + 32, begin + 8),
           dot_quarter(table, codes + 48, x + 48, begin + 12)}};
}
/// Two products of at most 128 * 127 are no more than half-words hold.
NVQ_SIMD uint32x4_t dot_quarter(const std::uint8_t* codes, const std::int8_t* x) noexcept {
  const int8x16_t w = vreinterpretq_s8_u8(vld1q_u8(codes)), v = vld1q_s8(x);
  return vreinterpretq_u32_s32(in_fours(vmull_s8(vget_low_s8(w), vget_low_s8(v)), vmull_high_s8(w, v)));
}
NVQ_SIMD words dot_bytes(const std::uint8_t* codes, const std::int8_t* x, const std::int32_t*) noexcept {
  return {{dot_quarter(codes, x), dot_quarter(codes + 16, x + 16), dot_quarter(codes + 32, x + 32),
           dot_quarter(codes + 48, x + 48)}};
}

#include <nvq/simd/gemv_int8_kernels.inc>

#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}  // namespace
}  // namespace neon
}  // namespace simd
NVQ_END_NAMESPACE

#endif
