// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nvq/io/quantization.hpp>
#include <string>

#include "checkpoint.hpp"

namespace app {

/// What the configuration of a converted checkpoint says: the schemes of its modules, and by full names all
/// that is not quantized, whatever the patterns were that said so before. A Failure when the dialect has room
/// for one scheme and there are two, or when its readers would take an entry for more than it means.
nvq::io::quantization describe(const Checkpoint& source, const nvq::io::quantization& before,
                               nvq::io::dialect to,
                               const std::map<std::string, nvq::io::weight_scheme>& schemes);

}  // namespace app
