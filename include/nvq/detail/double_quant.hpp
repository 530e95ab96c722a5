// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/detail/dynamic_map.hpp>
#include <nvq/scale.hpp>

// The scales array of ScaleFP32DQ: written from the scales of the blocks, which `scale_of(b)` gives again and
// again, so that nothing is allocated.

NVQ_BEGIN_NAMESPACE

namespace detail {

NVQ_HD inline void store_float(std::uint8_t* p, float x) noexcept {
  const std::uint32_t bits = float_bits(x);
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(bits >> (8 * i));
}
NVQ_HD inline float load_float(const std::uint8_t* p) noexcept {
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= static_cast<std::uint32_t>(p[i]) << (8 * i);
  return float_from_bits(bits);
}

/// The mean is summed in double in order of the blocks and rounded once; bitsandbytes' own float sum depends
/// on its machine.
template <class ScaleOf>
void store_double_quantized(std::int64_t n, ScaleOf scale_of, std::uint8_t* out) noexcept {
  using S = ScaleFP32DQ;
  double sum = 0.0;
  for (std::int64_t b = 0; b < n; ++b) sum += static_cast<double>(scale_of(b));
  const float mean = static_cast<float>(sum / static_cast<double>(n));
  for (std::int64_t i = n; i < S::group_offset(n, 0); ++i) out[i] = 0;
  for (std::int64_t g = 0; g < S::groups(n); ++g) {
    const std::int64_t first = g * S::group_size, end = first + S::group_size < n ? first + S::group_size : n;
    float rest[S::group_size];
    float absmax = 0.0f;
    for (std::int64_t b = first; b < end; ++b) {
      rest[b - first] = sub_rn(scale_of(b), mean);
      absmax = max_of(absmax, abs(rest[b - first]));
    }
    for (std::int64_t b = first; b < end; ++b)
      out[b] = dynamic_map_code(absmax == 0.0f ? 0.0f : div_rn(rest[b - first], absmax));
    store_float(out + S::group_offset(n, g), absmax);
  }
  store_float(out + S::group_offset(n, S::groups(n)), mean);
}

NVQ_HD inline float load_double_quantized(const std::uint8_t* scales, std::int64_t n,
                                          std::int64_t block) noexcept {
  using S = ScaleFP32DQ;
  const float group = load_float(scales + S::group_offset(n, block / S::group_size));
  const float mean = load_float(scales + S::group_offset(n, S::groups(n)));
  return add_rn(mul_rn(dynamic_map_value(scales[block]), group), mean);
}

}  // namespace detail

NVQ_END_NAMESPACE
