// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/json.hpp>
#include <string>

namespace app {

/// A Failure unless the model's family is one whose fused layers and default exceptions are known here.
/// `told`: the family the user says it is like, empty to take the configuration's model_type.
void check_family(const nvq::io::json& config, const std::string& told, const std::string& where);

}  // namespace app
