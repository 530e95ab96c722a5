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

#include <nvq/simd/gemv_kernels.inc>

#if !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}  // namespace
}  // namespace neon
}  // namespace simd
NVQ_END_NAMESPACE

#endif
