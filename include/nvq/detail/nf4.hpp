// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>

NVQ_BEGIN_NAMESPACE

namespace detail {

// The values are those of bitsandbytes (functional.py, get_4bit_type("nf4")), float32.
NVQ_HD constexpr float nf4_value(unsigned code) noexcept {
  constexpr float values[16] = {-1.0f,
                                -0.6961928009986877f,
                                -0.5250730514526367f,
                                -0.39491748809814453f,
                                -0.28444138169288635f,
                                -0.18477343022823334f,
                                -0.09105003625154495f,
                                0.0f,
                                0.07958029955625534f,
                                0.16093020141124725f,
                                0.24611230194568634f,
                                0.33791524171829224f,
                                0.44070982933044434f,
                                0.5626170039176941f,
                                0.7229568362236023f,
                                1.0f};
  return values[code];
}

// Halfway between the values of codes i and i + 1, in float, as bitsandbytes' CPU backend has it: code i + 1
// wins above. The constants in its CUDA kernels are these midpoints in decimal, some of which read as the
// float next to them.
NVQ_HD constexpr float nf4_threshold(unsigned i) noexcept {
  return mul_rn(add_rn(nf4_value(i), nf4_value(i + 1)), 0.5f);
}

/// nf4_code() with the thresholds chosen from constants, as a GPU does without memory.
NVQ_HD constexpr std::uint8_t nf4_code_by_choices(float x) noexcept {
  // t[i] has the thresholds of step i, under the steps before in their order.
  constexpr float t[15] = {nf4_threshold(7),  nf4_threshold(3),  nf4_threshold(11), nf4_threshold(1),
                           nf4_threshold(5),  nf4_threshold(9),  nf4_threshold(13), nf4_threshold(0),
                           nf4_threshold(2),  nf4_threshold(4),  nf4_threshold(6),  nf4_threshold(8),
                           nf4_threshold(10), nf4_threshold(12), nf4_threshold(14)};
  const bool b3 = less(t[0], x);
  const bool b2 = less(b3 ? t[2] : t[1], x);
  const float low = b3 ? t[5] : t[3], high = b3 ? t[6] : t[4];
  const bool b1 = less(b2 ? high : low, x);
  const float q0 = b3 ? t[11] : t[7], q1 = b3 ? t[12] : t[8], q2 = b3 ? t[13] : t[9], q3 = b3 ? t[14] : t[10];
  const float r0 = b2 ? q2 : q0, r1 = b2 ? q3 : q1;
  const bool b0 = less(b1 ? r1 : r0, x);
  return static_cast<std::uint8_t>((b3 ? 8u : 0u) | (b2 ? 4u : 0u) | (b1 ? 2u : 0u) | (b0 ? 1u : 0u));
}

NVQ_HD constexpr std::uint8_t nf4_code(float x) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return nf4_code_by_choices(x);
#endif
  unsigned code = less(nf4_threshold(7), x) ? 8u : 0u;
  code += less(nf4_threshold(code + 3), x) ? 4u : 0u;
  code += less(nf4_threshold(code + 1), x) ? 2u : 0u;
  code += less(nf4_threshold(code), x) ? 1u : 0u;
  return static_cast<std::uint8_t>(code);
}

}  // namespace detail

NVQ_END_NAMESPACE
