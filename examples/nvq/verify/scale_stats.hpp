// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "snapshot.hpp"

namespace app::check {

/// What the values of a tensor of scales are like.
struct ScaleStats {
  std::int64_t count = 0, nan = 0, infinite = 0, negative = 0, zero = 0, top = 0;
  /// Positive finite values by power of two: binade[i] counts [2^(i-150), 2^(i-149)).
  std::array<std::int64_t, 300> binades{};
  int only = -1;  ///< of scales of a byte: the byte that all of them are; -1 when they differ
  bool read = false;

  /// A power of two near the median of the positive values; 0 when there are none.
  double median() const;
};

inline bool is_wide(nvq::io::dtype t) {
  return t == nvq::io::dtype::f32 || t == nvq::io::dtype::bf16 || t == nvq::io::dtype::f16;
}

/// One value of such a type.
float wide_value(const std::uint8_t* at, nvq::io::dtype type);

/// Reads a tensor in pieces. U8 and F8_E8M0 are exponents with bias 127, F8_E4M3 is that without infinities.
ScaleStats stats_of(const Snapshot& c, const Entry& t);

/// The values of a small tensor of F32, BF16 or F16; empty when it cannot be read.
std::vector<float> small_values(const Snapshot& c, const Entry& t);

}  // namespace app::check
