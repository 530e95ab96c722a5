// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "commands.hpp"

namespace CLI {
class App;
}

namespace app {

/// `nvq quantize` as one of several processes: by --shard, or because a launcher started several. Returns
/// false when this process is alone, and has done nothing then. A Failure when several were started and nothing says
/// that they shall share the work.
bool quantize_with_others(const QuantizeOptions& options, const std::string& shard,
                          const std::vector<std::filesystem::path>& reports);

/// Adds `nvq merge`.
void add_merge(CLI::App& cli);

}  // namespace app
