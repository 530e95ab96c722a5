// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "plan.hpp"

namespace app {

/// Consecutive batches of one output shard, which one process does.
struct Unit {
  std::size_t shard, first, count;
  std::int64_t bytes;  ///< of the source
};

/// The smallest units of a plan, in its order. Batches that share a fused group are one, so that a group's
/// largest magnitude is looked for once; but not more than 8 of them, and not across shards.
std::vector<Unit> small_units(const Plan& plan, std::int64_t batch_bytes);

/// The range of small units that is a rank's share: about the same bytes for each, and an end at the end of a
/// shard where there is one near. Every rank's share follows from the plan alone.
std::vector<Unit> units_of(const std::vector<Unit>& small, int rank, int size);

/// What to hand out one by one to ranks that take the next when they are done: whole shards at first, small
/// units towards the end, so that all end at about the same time.
std::vector<Unit> units_to_hand_out(const std::vector<Unit>& small, int size);

}  // namespace app
