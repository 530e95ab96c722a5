// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

struct VerifyOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path source;      ///< empty: without
  std::vector<std::string> targets;  ///< empty: no loader in particular
  std::vector<std::int64_t> tensor_parallel;
  std::string json;  ///< a file, "-", or empty
  std::vector<std::string> fixes;
  int threads = 0;
};

/// Examines a checkpoint and prints what is wrong. Returns the exit status: 0 when nothing is, 1 when
/// something is. A Failure when there is nothing that could be examined.
int verify(const VerifyOptions& options);

}  // namespace app
