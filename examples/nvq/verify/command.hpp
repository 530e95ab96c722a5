// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace app {

/// Adds `nvq verify`.
void add_verify(CLI::App& cli);

}  // namespace app
