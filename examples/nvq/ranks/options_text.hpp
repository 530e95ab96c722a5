// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/json.hpp>
#include <string>

#include "commands.hpp"

namespace app {

/// The options that the bytes depend on, and both directories, with absolute paths: what a process that has
/// nothing but this needs to make the same plan.
nvq::io::json options_to_json(const QuantizeOptions& options);
QuantizeOptions options_from_json(const nvq::io::json& text);

/// `nvq quantize ...` with them, to be given to a shell.
std::string command_line(const QuantizeOptions& options);

}  // namespace app
