// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "convert/plan.hpp"
#include "output.hpp"

namespace app {

/// Threads for a plan under a bound on memory: each holds a few megabytes, or a whole part of a weight three
/// times where its words are packed another way. A Failure says the least that would do.
int convert_threads(const ConvertPlan& plan, std::int64_t bound, int threads);

/// Writes the tensors of a plan, a file at a time.
void write_tensors(const Checkpoint& source, const ConvertPlan& plan, OutputDirectory& out, int threads,
                   bool show);

}  // namespace app
