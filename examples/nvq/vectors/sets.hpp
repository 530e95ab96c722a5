// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "vectors/grid.hpp"

namespace app::vectors {

/// Inputs of one set, to be encoded against `amax`. The set `codes` has none: its codes and scales are given.
struct Set {
  std::string name, what;
  std::int64_t rows = 0, columns = 0;
  std::vector<float> input;
  float amax = 0;
  Encoded encoded;  ///< of `codes`
};

/// Names of all sets, in the order they are written.
const std::vector<std::string>& set_names();
/// The set of that name; `seed` is of the random values.
Set make_set(const std::string& name, const Subject& s, std::uint64_t seed);

}  // namespace app::vectors
