// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

/// A tensor's scale in its two directions: a multiplier x, and a divisor g with x = 1 / g. Engines that read
/// divisors take fl(1 / g) for x, so that is what has to be kept.
namespace app {

/// What engines make of a divisor.
inline float multiplier_of(float divisor) { return 1.0f / divisor; }

/// The divisor g that engines read as `multiplier`: fl(1 / g) == multiplier where there is such a g. For
/// about half of the multipliers whose mantissa is above sqrt(2) there is none; then it is fl(1 / multiplier),
/// whose reading is an ulp away.
inline float divisor_of(float multiplier) {
  const float nearest = 1.0f / multiplier;
  for (const float g : {nearest, std::nextafter(nearest, 0.0f), std::nextafter(nearest, HUGE_VALF)})
    if (multiplier_of(g) == multiplier) return g;
  return nearest;
}

/// Whether a scale and its reciprocal are both normal numbers.
inline bool can_invert(float scale) {
  return scale > 0 && std::isnormal(scale) && std::isnormal(1.0f / scale);
}

}  // namespace app
