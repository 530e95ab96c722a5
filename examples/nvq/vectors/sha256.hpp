// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace app::vectors {

/// FIPS 180-4, as lower-case hex digits.
std::string sha256(std::string_view bytes);

}  // namespace app::vectors
