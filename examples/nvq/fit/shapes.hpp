// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "fit/architecture.hpp"

namespace app::fit {

/// The tensors that a checkpoint of this configuration has, by the names and shapes its family publishes, in
/// the configuration's dtype and without their bytes: for a directory that holds config.json alone. Vision and
/// audio towers and multi-token prediction are left out. A Failure names the families known.
///
/// Sources: the modules of transformers 5 (`modeling_*.py`), and the indices of the families' own checkpoints.
std::vector<Tensor> tensors_of(const nvq::io::json& config, const Architecture& architecture,
                               const std::string& where);

}  // namespace app::fit
