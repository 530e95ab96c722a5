// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <vector>

namespace app::check {

/// Files are never changed in place: the new one is written beside the old one, synced, and takes its name
/// when it is complete; the old one stays as NAME.orig (NAME.orig2, ...).

/// Writes a small file anew.
void replace_text(const std::filesystem::path& path, const std::string& text);

/// Bytes to be put over others.
struct Patch {
  std::int64_t offset;
  std::vector<std::uint8_t> bytes;
};
/// Copies a file with some bytes changed.
void replace_patched(const std::filesystem::path& path, const std::vector<Patch>& patches);

/// Writes a new safetensors file under a name that does not exist yet, and returns the name. `bytes` are
/// those of the tensors, in the order of `specs`.
std::string add_shard(const std::filesystem::path& directory, const std::vector<nvq::io::tensor_spec>& specs,
                      const std::vector<std::vector<std::uint8_t>>& bytes);

}  // namespace app::check
