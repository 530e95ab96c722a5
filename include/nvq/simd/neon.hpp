// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/target.hpp>

#if NVQ_SIMD_NEON

#include <arm_neon.h>

#include <cstdint>
#include <nvq/float16.hpp>
#include <nvq/simd/plan.hpp>

NVQ_BEGIN_NAMESPACE
namespace simd {
namespace neon {
namespace {

constexpr Isa tier_of_kernels = Isa::neon;

// Sixteen lanes: four registers. Every AArch64 has these instructions, so there is no target region.

struct floats {
  float32x4_t v[4];
};
struct words {
  uint32x4_t v[4];
};

#define NVQ_FOUR(f, x)                                     \
  {                                                        \
    { f((x).v[0]), f((x).v[1]), f((x).v[2]), f((x).v[3]) } \
  }
#define NVQ_FOUR_N(f, x, n)                                            \
  {                                                                    \
    { f((x).v[0], n), f((x).v[1], n), f((x).v[2], n), f((x).v[3], n) } \
  }
#define NVQ_FOUR_PAIRS(f, x, y)                                                                    \
  {                                                                                                \
    { f((x).v[0], (y).v[0]), f((x).v[1], (y).v[1]), f((x).v[2], (y).v[2]), f((x).v[3], (y).v[3]) } \
  }
#define NVQ_FOUR_TRIPLES(f, x, y, z)                                                                     \
  {                                                                                                      \
    {                                                                                                    \
      f((x).v[0], (y).v[0], (z).v[0]), f((x).v[1], (y).v[1], (z).v[1]), f((x).v[2], (y).v[2], (z).v[2]), \
          f((x).v[3], (y).v[3], (z).v[3])                                                                \
    }                                                                                                    \
  }

NVQ_SIMD floats all(float x) noexcept {
  const float32x4_t v = vdupq_n_f32(x);
  return {{v, v, v, v}};
}
NVQ_SIMD words all(std::uint32_t x) noexcept {
  const uint32x4_t v = vdupq_n_u32(x);
  return {{v, v, v, v}};
}
NVQ_SIMD words bits(floats x) noexcept { return NVQ_FOUR(vreinterpretq_u32_f32, x); }
NVQ_SIMD floats as_floats(words x) noexcept { return NVQ_FOUR(vreinterpretq_f32_u32, x); }

NVQ_SIMD words operator&(words a, words b) noexcept { return NVQ_FOUR_PAIRS(vandq_u32, a, b); }
NVQ_SIMD words operator|(words a, words b) noexcept { return NVQ_FOUR_PAIRS(vorrq_u32, a, b); }
NVQ_SIMD words operator+(words a, words b) noexcept { return NVQ_FOUR_PAIRS(vaddq_u32, a, b); }
NVQ_SIMD words operator-(words a, words b) noexcept { return NVQ_FOUR_PAIRS(vsubq_u32, a, b); }
template <int N>
NVQ_SIMD words shift_left(words a) noexcept {
  return NVQ_FOUR_N(vshlq_n_u32, a, N);
}
template <int N>
NVQ_SIMD words shift_right(words a) noexcept {
  return NVQ_FOUR_N(vshrq_n_u32, a, N);
}
/// The bits of `a` where `mask` has ones, of `b` elsewhere.
NVQ_SIMD words select(words mask, words a, words b) noexcept {
  return NVQ_FOUR_TRIPLES(vbslq_u32, mask, a, b);
}
NVQ_SIMD words max_unsigned(words a, words b) noexcept { return NVQ_FOUR_PAIRS(vmaxq_u32, a, b); }
NVQ_SIMD uint32x4_t min_signed(uint32x4_t a, uint32x4_t b) noexcept {
  return vreinterpretq_u32_s32(vminq_s32(vreinterpretq_s32_u32(a), vreinterpretq_s32_u32(b)));
}
NVQ_SIMD uint32x4_t max_signed(uint32x4_t a, uint32x4_t b) noexcept {
  return vreinterpretq_u32_s32(vmaxq_s32(vreinterpretq_s32_u32(a), vreinterpretq_s32_u32(b)));
}
NVQ_SIMD words min_signed(words a, words b) noexcept { return NVQ_FOUR_PAIRS(min_signed, a, b); }
NVQ_SIMD words max_signed(words a, words b) noexcept { return NVQ_FOUR_PAIRS(max_signed, a, b); }

NVQ_SIMD floats operator+(floats a, floats b) noexcept { return NVQ_FOUR_PAIRS(vaddq_f32, a, b); }
NVQ_SIMD floats operator-(floats a, floats b) noexcept { return NVQ_FOUR_PAIRS(vsubq_f32, a, b); }
NVQ_SIMD floats operator/(floats a, floats b) noexcept { return NVQ_FOUR_PAIRS(vdivq_f32, a, b); }
/// Rounded, whatever is done with the product: compilers fuse what they can see through.
NVQ_SIMD floats operator*(floats a, floats b) noexcept {
  floats product = NVQ_FOUR_PAIRS(vmulq_f32, a, b);
  __asm__("" : "+w"(product.v[0]), "+w"(product.v[1]), "+w"(product.v[2]), "+w"(product.v[3]));
  return product;
}
/// x + a * b, rounded once.
NVQ_SIMD floats add_product(floats x, floats a, floats b) noexcept {
  return NVQ_FOUR_TRIPLES(vfmaq_f32, x, a, b);
}
/// `b` where `a` is NaN and no signalling one: the result of an operation.
NVQ_SIMD floats smaller(floats a, floats b) noexcept { return NVQ_FOUR_PAIRS(vminnmq_f32, a, b); }
NVQ_SIMD float32x4_t larger(float32x4_t a, float32x4_t b) noexcept {
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
/// `b` where one is NaN.
NVQ_SIMD floats larger(floats a, floats b) noexcept { return NVQ_FOUR_PAIRS(larger, a, b); }
/// min(|x|, limit), `limit` where x is NaN and no signalling one.
NVQ_SIMD floats min_magnitude(floats x, floats limit) noexcept {
  return smaller(NVQ_FOUR(vabsq_f32, x), limit);
}
NVQ_SIMD uint32x4_t to_int(float32x4_t x) noexcept { return vreinterpretq_u32_s32(vcvtnq_s32_f32(x)); }
NVQ_SIMD float32x4_t from_int(uint32x4_t x) noexcept { return vcvtq_f32_s32(vreinterpretq_s32_u32(x)); }
/// Rounded to nearest even.
NVQ_SIMD words to_int(floats x) noexcept { return NVQ_FOUR(to_int, x); }
NVQ_SIMD floats from_int(words x) noexcept { return NVQ_FOUR(from_int, x); }

NVQ_SIMD uint32x4_t above_signed(uint32x4_t x, uint32x4_t y) noexcept {
  return vcgtq_s32(vreinterpretq_s32_u32(x), vreinterpretq_s32_u32(y));
}
/// `a` where x < y, else `b`.
NVQ_SIMD words where_less(floats x, floats y, words a, words b) noexcept {
  return select(NVQ_FOUR_PAIRS(vcltq_f32, x, y), a, b);
}
/// `a` where x == y, else `b`.
NVQ_SIMD words where_equal(words x, words y, words a, words b) noexcept {
  return select(NVQ_FOUR_PAIRS(vceqq_u32, x, y), a, b);
}
/// `a` where x > y as signed integers, else `b`.
NVQ_SIMD words where_above(words x, words y, words a, words b) noexcept {
  return select(NVQ_FOUR_PAIRS(above_signed, x, y), a, b);
}
NVQ_SIMD words where_equal(floats x, floats y, words a, words b) noexcept {
  return select(NVQ_FOUR_PAIRS(vceqq_f32, x, y), a, b);
}

/// The largest of four lanes that are four vectors apart.
NVQ_SIMD uint32x4_t folded(words x) noexcept {
  return vmaxq_u32(vmaxq_u32(x.v[0], x.v[1]), vmaxq_u32(x.v[2], x.v[3]));
}
NVQ_SIMD std::uint32_t largest_unsigned(words x) noexcept { return vmaxvq_u32(folded(x)); }

NVQ_SIMD words widened(uint16x8_t low, uint16x8_t high) noexcept {
  return {{vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low), vmovl_u16(vget_low_u16(high)),
           vmovl_high_u16(high)}};
}
NVQ_SIMD words widened(uint8x16_t x) noexcept { return widened(vmovl_u8(vget_low_u8(x)), vmovl_high_u8(x)); }
NVQ_SIMD uint16x8_t low_halves(uint32x4_t x, uint32x4_t y) noexcept {
  return vuzp1q_u16(vreinterpretq_u16_u32(x), vreinterpretq_u16_u32(y));
}
NVQ_SIMD uint8x16_t low_bytes(words x) noexcept {
  return vuzp1q_u8(vreinterpretq_u8_u16(low_halves(x.v[0], x.v[1])),
                   vreinterpretq_u8_u16(low_halves(x.v[2], x.v[3])));
}

NVQ_SIMD floats load(const float* p) noexcept {
  return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
}
/// 16 bytes with signs, widened.
NVQ_SIMD words load_signed(const std::uint8_t* p) noexcept {
  const int8x16_t x = vreinterpretq_s8_u8(vld1q_u8(p));
  const int16x8_t low = vmovl_s8(vget_low_s8(x)), high = vmovl_high_s8(x);
  return {{vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(low))), vreinterpretq_u32_s32(vmovl_high_s16(low)),
           vreinterpretq_u32_s32(vmovl_s16(vget_low_s16(high))),
           vreinterpretq_u32_s32(vmovl_high_s16(high))}};
}
/// 16 half-words, widened.
NVQ_SIMD words load_low_halves(const std::uint16_t* p) noexcept {
  return widened(vld1q_u16(p), vld1q_u16(p + 8));
}
NVQ_SIMD floats load(const bfloat16* p) noexcept {
  const std::uint16_t* in = reinterpret_cast<const std::uint16_t*>(p);
  const uint16x8_t zero = vdupq_n_u16(0), x = vld1q_u16(in), y = vld1q_u16(in + 8);
  return {{vreinterpretq_f32_u16(vzip1q_u16(zero, x)), vreinterpretq_f32_u16(vzip2q_u16(zero, x)),
           vreinterpretq_f32_u16(vzip1q_u16(zero, y)), vreinterpretq_f32_u16(vzip2q_u16(zero, y))}};
}
/// The even and the odd ones of 32 values.
NVQ_SIMD void load_even_odd(const bfloat16* p, floats& even, floats& odd) noexcept {
  const std::uint16_t* in = reinterpret_cast<const std::uint16_t*>(p);
  for (int i = 0; i < 4; ++i) {
    const uint32x4_t x = vreinterpretq_u32_u16(vld1q_u16(in + 8 * i));
    even.v[i] = vreinterpretq_f32_u32(vshlq_n_u32(x, 16));
    odd.v[i] = vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xFFFF0000u)));
  }
}
/// Eight lanes each.
NVQ_SIMD floats halves(float low, float high) noexcept {
  const float32x4_t a = vdupq_n_f32(low), b = vdupq_n_f32(high);
  return {{a, a, b, b}};
}
NVQ_SIMD floats from_halves(uint16x8_t low, uint16x8_t high) noexcept {
  const float16x8_t x = vreinterpretq_f16_u16(low), y = vreinterpretq_f16_u16(high);
  return {{vcvt_f32_f16(vget_low_f16(x)), vcvt_high_f32_f16(x), vcvt_f32_f16(vget_low_f16(y)),
           vcvt_high_f32_f16(y)}};
}
NVQ_SIMD floats load(const half* p) noexcept {
  const std::uint16_t* in = reinterpret_cast<const std::uint16_t*>(p);
  return from_halves(vld1q_u16(in), vld1q_u16(in + 8));
}
NVQ_SIMD words load(const std::uint32_t* p) noexcept {
  return {{vld1q_u32(p), vld1q_u32(p + 4), vld1q_u32(p + 8), vld1q_u32(p + 12)}};
}
NVQ_SIMD void store(float* p, floats x) noexcept {
  vst1q_f32(p, x.v[0]);
  vst1q_f32(p + 4, x.v[1]);
  vst1q_f32(p + 8, x.v[2]);
  vst1q_f32(p + 12, x.v[3]);
}
NVQ_SIMD void store(std::uint32_t* p, words x) noexcept {
  vst1q_u32(p, x.v[0]);
  vst1q_u32(p + 4, x.v[1]);
  vst1q_u32(p + 8, x.v[2]);
  vst1q_u32(p + 12, x.v[3]);
}
NVQ_SIMD void store_low_halves(std::uint16_t* p, words x) noexcept {
  vst1q_u16(p, low_halves(x.v[0], x.v[1]));
  vst1q_u16(p + 8, low_halves(x.v[2], x.v[3]));
}
NVQ_SIMD uint32x4_t half_bits(float32x4_t x) noexcept {
  return vmovl_u16(vreinterpret_u16_f16(vcvt_f16_f32(x)));
}
/// binary16 bits, rounded to nearest even.
NVQ_SIMD words half_bits(floats x) noexcept { return NVQ_FOUR(half_bits, x); }
NVQ_SIMD floats from_half_bits(words x) noexcept {
  return from_halves(low_halves(x.v[0], x.v[1]), low_halves(x.v[2], x.v[3]));
}

/// The largest lane of each of four rows.
NVQ_SIMD uint32x4_t max_across(const words* rows) noexcept {
  return vpmaxq_u32(vpmaxq_u32(folded(rows[0]), folded(rows[1])),
                    vpmaxq_u32(folded(rows[2]), folded(rows[3])));
}
/// Lane i of the result is the largest lane of rows[i], all read as unsigned.
NVQ_SIMD words max_across(const words (&rows)[16]) noexcept {
  return {{max_across(&rows[0]), max_across(&rows[4]), max_across(&rows[8]), max_across(&rows[12])}};
}

/// Lane i of row j goes to lane j of row i.
NVQ_SIMD void transpose(floats (&rows)[16]) noexcept {
  floats result[16];
  for (int p = 0; p < 4; ++p)
    for (int q = 0; q < 4; ++q) {
      // Columns 4p ... 4p + 3 of rows 4q ... 4q + 3.
      const float32x4_t r0 = rows[4 * q].v[p], r1 = rows[4 * q + 1].v[p], r2 = rows[4 * q + 2].v[p],
                        r3 = rows[4 * q + 3].v[p];
      const float64x2_t even01 = vreinterpretq_f64_f32(vtrn1q_f32(r0, r1)),
                        odd01 = vreinterpretq_f64_f32(vtrn2q_f32(r0, r1)),
                        even23 = vreinterpretq_f64_f32(vtrn1q_f32(r2, r3)),
                        odd23 = vreinterpretq_f64_f32(vtrn2q_f32(r2, r3));
      result[4 * p].v[q] = vreinterpretq_f32_f64(vtrn1q_f64(even01, even23));
      result[4 * p + 1].v[q] = vreinterpretq_f32_f64(vtrn1q_f64(odd01, odd23));
      result[4 * p + 2].v[q] = vreinterpretq_f32_f64(vtrn2q_f64(even01, even23));
      result[4 * p + 3].v[q] = vreinterpretq_f32_f64(vtrn2q_f64(odd01, odd23));
    }
  for (int i = 0; i < 16; ++i) rows[i] = result[i];
}

#include <nvq/simd/neon_codes.inc>

/// Byte k of the sixteen values in planes[k].
struct table16 {
  uint8x16x4_t planes;
};
NVQ_SIMD table16 load_table(const float* p) noexcept {
  return {vld4q_u8(reinterpret_cast<const std::uint8_t*>(p))};
}
NVQ_SIMD floats lookup(table16 table, uint8x16_t index) noexcept {
  const uint8x16_t b0 = vqtbl1q_u8(table.planes.val[0], index), b1 = vqtbl1q_u8(table.planes.val[1], index),
                   b2 = vqtbl1q_u8(table.planes.val[2], index), b3 = vqtbl1q_u8(table.planes.val[3], index);
  const uint16x8_t low01 = vreinterpretq_u16_u8(vzip1q_u8(b0, b1)),
                   high01 = vreinterpretq_u16_u8(vzip2q_u8(b0, b1)),
                   low23 = vreinterpretq_u16_u8(vzip1q_u8(b2, b3)),
                   high23 = vreinterpretq_u16_u8(vzip2q_u8(b2, b3));
  return {{vreinterpretq_f32_u16(vzip1q_u16(low01, low23)), vreinterpretq_f32_u16(vzip2q_u16(low01, low23)),
           vreinterpretq_f32_u16(vzip1q_u16(high01, high23)),
           vreinterpretq_f32_u16(vzip2q_u16(high01, high23))}};
}
/// index: 0 ... 15.
NVQ_SIMD floats lookup(table16 table, words index) noexcept { return lookup(table, low_bytes(index)); }

/// 32 values of a pair of vectors; `Stream` has no meaning here.
template <bool Stream>
NVQ_SIMD void store_pair(float* p, floats a, floats b) noexcept {
  store(p, a);
  store(p + 16, b);
}
/// The upper half-words of both.
NVQ_SIMD uint16x8_t upper_halves(uint32x4_t x, uint32x4_t y) noexcept {
  return vuzp2q_u16(vreinterpretq_u16_u32(x), vreinterpretq_u16_u32(y));
}
template <bool Stream>
NVQ_SIMD void store_upper_halves(std::uint16_t* p, words a, words b) noexcept {
  vst1q_u16(p, upper_halves(a.v[0], a.v[1]));
  vst1q_u16(p + 8, upper_halves(a.v[2], a.v[3]));
  vst1q_u16(p + 16, upper_halves(b.v[0], b.v[1]));
  vst1q_u16(p + 24, upper_halves(b.v[2], b.v[3]));
}
/// binary16, rounded to nearest even.
NVQ_SIMD uint16x8_t as_halves(float32x4_t x, float32x4_t y) noexcept {
  return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(x), y));
}
template <bool Stream>
NVQ_SIMD void store_as_halves(std::uint16_t* p, floats a, floats b) noexcept {
  vst1q_u16(p, as_halves(a.v[0], a.v[1]));
  vst1q_u16(p + 8, as_halves(a.v[2], a.v[3]));
  vst1q_u16(p + 16, as_halves(b.v[0], b.v[1]));
  vst1q_u16(p + 24, as_halves(b.v[2], b.v[3]));
}
NVQ_SIMD void stream_fence() noexcept {}

#include <nvq/simd/neon_halves.inc>
#include <nvq/simd/neon_palettes.inc>
#include <nvq/simd/no_bytes.inc>

#undef NVQ_FOUR
#undef NVQ_FOUR_N
#undef NVQ_FOUR_PAIRS
#undef NVQ_FOUR_TRIPLES

// In this order.
// clang-format off
#include <nvq/simd/neon_shorts.inc>
#include <nvq/simd/short_kernels.inc>
#include <nvq/simd/decode_kernels.inc>
#include <nvq/simd/palette_kernels.inc>
#include <nvq/simd/encode_kernels.inc>
#include <nvq/simd/scale_kernels.inc>
#include <nvq/simd/threshold_kernels.inc>
#include <nvq/simd/search_kernels.inc>
#include <nvq/simd/isa_face.inc>
// clang-format on

}  // namespace
}  // namespace neon
}  // namespace simd
NVQ_END_NAMESPACE

#endif
