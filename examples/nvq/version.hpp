// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/version.hpp>
#include <string>

namespace app {

/// "0.1.0".
inline std::string version_text() {
  return std::to_string(NVQ_VERSION_MAJOR) + '.' + std::to_string(NVQ_VERSION_MINOR) + '.' +
         std::to_string(NVQ_VERSION_PATCH);
}

}  // namespace app
