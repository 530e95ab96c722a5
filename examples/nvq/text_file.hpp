// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace app {

/// A Failure when no file could be made at this path: said before the work whose result it is for.
void check_writable(const std::filesystem::path& path);

/// Writes a file that appears under its name when it is complete; an earlier one is replaced. What is there and is no
/// plain file, such as /dev/stdout, is written to as it is.
void write_text_file(const std::filesystem::path& path, const std::string& text);

}  // namespace app
