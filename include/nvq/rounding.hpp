// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

NVQ_BEGIN_NAMESPACE

/// How a value between two neighbouring codes is rounded.
enum class Rounding {
  nearest_even,    ///< to the nearer neighbour, ties to the even code (IEEE 754 roundTiesToEven)
  toward_zero,     ///< to the neighbour of smaller magnitude
  away_from_zero,  ///< to the neighbour of larger magnitude (for E8M0, which has no sign: upward)
};

/// What becomes of values beyond the largest finite code after rounding, and of infinities.
enum class Overflow {
  saturate,  ///< the largest finite code of that sign (CUDA's SATFINITE); the default everywhere in nvq
  special,   ///< the infinity of that sign where the element has one, else its NaN (CUDA's NOSAT, which keeps
             ///< the sign), else saturate
};

NVQ_END_NAMESPACE
