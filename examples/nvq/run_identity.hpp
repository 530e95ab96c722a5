// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/json.hpp>

#include "checkpoint.hpp"
#include "plan.hpp"

namespace app {

/// Everything the bytes of a run depend on: the version, the source's files (size and time of change), and
/// the plan as a hash. Two runs of equal identity write the same.
nvq::io::json run_identity(const Checkpoint& source, const Plan& plan, std::int64_t batch_bytes);

}  // namespace app
