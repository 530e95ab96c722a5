// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace app {

/// The sums of x^2 and of (x - y)^2.
struct SquareSums {
  double signal = 0, noise = 0;
};

/// Of n values, in an order that does not depend on the processor.
SquareSums square_sums(const float* x, const float* y, std::size_t n);

}  // namespace app
