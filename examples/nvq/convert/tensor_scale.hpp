// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

/// A tensor's scale in its two directions: a multiplier x, and a divisor g with x = 1 / g. Engines that read
/// divisors take fl(1 / g) for x, so that is what has to be kept.
namespace app {

/// What engines make of a divisor.
inline float multiplier_of(float divisor) { return 1.0f / divisor; }

/// The divisor g with fl(1 / g) == multiplier, where there is one: for 82.8 % of all mantissas, and wherever there is
/// one it is fl(1 / multiplier) itself. For the others, all with a mantissa above sqrt(2), engines read this one an ulp
/// off.
inline float divisor_of(float multiplier) { return 1.0f / multiplier; }

/// Whether a scale and its reciprocal are both normal numbers.
inline bool can_invert(float scale) {
  return scale > 0 && std::isnormal(scale) && std::isnormal(1.0f / scale);
}

}  // namespace app
