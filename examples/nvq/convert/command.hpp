// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace app {

/// Adds `nvq convert`.
void add_convert(CLI::App& cli);

}  // namespace app
