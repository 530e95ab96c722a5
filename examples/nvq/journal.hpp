// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <nvq/io/json.hpp>
#include <string>
#include <vector>

#include "encode.hpp"

namespace app {

/// What of a run is on the disk already, so that the same command goes on after a kill: one line of JSON per
/// batch of tensors, appended and synced when the batch's bytes have been. The first line says which run it
/// is. A line that a crash cut short is as if it were not there.
class Journal {
 public:
  /// Opens the journal of a directory, or begins one. `run` describes everything the bytes depend on: a
  /// Failure names the first of its members that differs from what the journal was begun with. Holds a lock: a Failure
  /// when another run is at work there.
  Journal(const std::filesystem::path& directory, const nvq::io::json& run);
  Journal(const Journal&) = delete;
  ~Journal();

  /// The qualities of a batch that is done; nullptr when it is not.
  const std::vector<Quality>* find(const std::string& shard, std::size_t batch) const;
  /// Whether any batch is done, by this run or one before it.
  bool empty() const;
  /// Any thread may call it.
  void add(const std::string& shard, std::size_t batch, const std::vector<Quality>& qualities);
  /// The journal is no part of what was made; removes it from where the directory is now.
  static void remove(const std::filesystem::path& directory);

 private:
  void load(const std::string& text, const nvq::io::json& run);
  void append(const nvq::io::json& line);

  std::filesystem::path path_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::size_t>, std::vector<Quality>> done_;
};

}  // namespace app
