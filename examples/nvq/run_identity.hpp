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

/// The same with samples of the source's bytes. Processes on other machines may read copies of the source,
/// whose times tell nothing: common_identity() of all of them is the same.
nvq::io::json identity_of_part(const Checkpoint& source, const Plan& plan, std::int64_t batch_bytes);
nvq::io::json common_identity(nvq::io::json identity);

}  // namespace app
