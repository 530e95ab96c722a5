// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "report/record.hpp"
#include "weight_reader.hpp"

namespace app {

/// Sums over some rows of a weight and its copy; add() them in the order of the rows.
struct ErrorSums {
  double signal = 0, noise = 0, decoded = 0, product = 0;
  double max_error = 0, amax = 0;
  std::int64_t clipped = 0;  ///< -1 where the copy is not quantized
  std::int64_t flushed = 0, not_finite = 0;

  void add(const ErrorSums& next);
  void store(report::TensorRecord& to) const;
};

/// Sums in double, in an order that depends on the number of values alone. Pairs with a NaN or an infinity are
/// counted and left out.
ErrorSums errors_of(const std::vector<float>& original, const DecodedRows& copy);

}  // namespace app
