// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "commands.hpp"
#include "encode.hpp"
#include "job.hpp"
#include "output.hpp"

namespace app {

/// Writes what a model needs besides its weights: configuration, index, and the files that are copied.
void write_configuration(const Job& job, OutputDirectory& out);

/// What the closing table says of a job whose weights came out so; times and memory are the caller's.
QuantizeResult result_of(const Job& job, const std::vector<Quality>& qualities);

}  // namespace app
