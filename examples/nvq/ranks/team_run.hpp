// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "commands.hpp"
#include "ranks/team.hpp"

namespace app {

/// quantize() by all ranks of a team. Each takes the next piece of work when it is done with one, and rank 0
/// makes one checkpoint of all in the end, prints the table and writes the reports. Returns false when it failed, and
/// one rank has said why.
bool quantize_in_team(const QuantizeOptions& options, Team& team,
                      const std::vector<std::filesystem::path>& reports);

}  // namespace app
