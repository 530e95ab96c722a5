// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace app {

/// Regular expressions of configurations ("re:..."), which come from outside: each is matched in time and
/// memory that grow with its length and the name's, or refused.

/// Why a pattern is not used: it is too long, repeats too much, or is none that is known here. Empty when it is.
std::string refusal_of_pattern(const std::string& pattern);

/// Whether a pattern matches a module's name from its start, as Python's re.match does. One that is refused
/// matches nothing.
bool matches_from_start(const std::string& pattern, std::string_view name);

}  // namespace app
