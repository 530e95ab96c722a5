// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <vector>

namespace app::check {

/// Bytes to be put over others.
struct Patch {
  std::int64_t offset;
  std::vector<std::uint8_t> bytes;
};

/// The files of one repair. None is changed in place: each new one is written beside the old one and synced, and
/// they take their names together when all are complete; the old ones stay as NAME.orig (NAME.orig2, ...). A
/// Failure leaves the directory as it was.
class Replacement {
 public:
  explicit Replacement(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Replacement(const Replacement&) = delete;
  ~Replacement();

  /// Writes a small file anew.
  void text(const std::string& name, const std::string& text);
  /// Copies a file with some bytes changed.
  void patched(const std::string& name, const std::vector<Patch>& patches);
  /// Writes a safetensors file under a name that does not exist yet, and returns the name. `bytes` are those of
  /// the tensors, in the order of `specs`.
  std::string added(const std::vector<nvq::io::tensor_spec>& specs,
                    const std::vector<std::vector<std::uint8_t>>& bytes);
  void commit();

 private:
  class Fresh;
  struct File {
    std::filesystem::path fresh, path, kept;  ///< `kept`: where the old one is
    bool named = false;
  };
  void take_name(File& f);
  bool give_back(const File& f) const;

  std::filesystem::path directory_;
  std::vector<File> files_;
};

}  // namespace app::check
