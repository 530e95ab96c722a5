// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace app {

/// Adds `nvq compare`.
void add_compare(CLI::App& cli);

}  // namespace app
