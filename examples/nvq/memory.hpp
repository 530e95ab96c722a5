// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "plan.hpp"

namespace app {

/// Most memory this process has held at once, in bytes.
std::int64_t peak_rss();

/// "900M", "4G", "512MiB", or a number of bytes. K, M and G are powers of 1024.
std::int64_t parse_bytes(const std::string& text);

/// How a run stays under a bound.
struct MemoryPlan {
  int threads;
  std::int64_t batch_bytes;
};

/// Chooses threads and batches so that a run of the plan holds at most `bound` bytes: each thread a few copies
/// of a run of rows, and dialects that store codes across rows the codes of a batch, twice. `threads` is what
/// the user wants, 0 for all cores. A Failure says the least that would do.
MemoryPlan plan_memory(const Plan& plan, std::int64_t bound, int threads, std::int64_t batch_bytes);

}  // namespace app
