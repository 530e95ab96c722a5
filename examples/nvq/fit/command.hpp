// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace app {

/// Adds `nvq plan`.
void add_plan(CLI::App& cli);

}  // namespace app
