// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app::vectors {

struct WriteOptions {
  std::filesystem::path out;
  std::string format = "nvfp4", recipe, rounding = "nearest";
  std::vector<std::string> sets;  ///< empty: all
  std::uint64_t seed = 0;
};
/// Writes the sets, and returns a table of them.
std::string write_vectors(const WriteOptions& options);

struct CheckOptions {
  std::filesystem::path mine, against;
  std::string part;  ///< codes, scales, zero_points or decoded; empty: the set's
};
/// Prints the verdict and returns 0 where all is equal, 1 where not.
int check_codes(const CheckOptions& options);

}  // namespace app::vectors
