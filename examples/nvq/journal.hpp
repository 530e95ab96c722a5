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

/// What a journal says: which run it is, and the qualities of each batch that is done.
struct JournalText {
  nvq::io::json run;
  std::map<std::pair<std::string, std::size_t>, std::vector<Quality>> done;
  std::size_t whole = 0;  ///< bytes of its whole lines; 0: there is nothing in it
};
JournalText parse_journal(const std::string& text);

/// Throws a Failure that begins with `where` and names the first member in which a run differs from the one
/// that was begun there.
void check_same_run(const nvq::io::json& begun, const nvq::io::json& run, const std::string& where);

/// What of a run is on the disk already, so that the same command goes on after a kill: one line of JSON per
/// batch of tensors, appended and synced when the batch's bytes have been. The first line says which run it
/// is. A line that a crash cut short is as if it were not there.
class Journal {
 public:
  /// Opens the journal of a directory, or begins one. `run` describes everything the bytes depend on: a
  /// Failure names the first of its members that differs from what the journal was begun with. Holds a lock: a
  /// Failure when another run is at work there. `about` is noted beside it, and compared with nothing.
  Journal(const std::filesystem::path& directory, const nvq::io::json& run, const nvq::io::json& about = {});
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
  void append(const nvq::io::json& line);

  std::filesystem::path path_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  decltype(JournalText::done) done_;
};

}  // namespace app
