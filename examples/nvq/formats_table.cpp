// SPDX-License-Identifier: Apache-2.0
#include "commands.hpp"
#include "table.hpp"

namespace app {

std::string formats_table(bool) { return {}; }

}  // namespace app
