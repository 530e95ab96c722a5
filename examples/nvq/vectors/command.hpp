// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace app {

/// Adds `nvq vectors` and `nvq check-codes`.
void add_vectors(CLI::App& cli);

}  // namespace app
