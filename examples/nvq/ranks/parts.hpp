// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "journal.hpp"
#include "ranks/units.hpp"

namespace app {

/// OUT_DIR.partial/rank-K: what one of several processes has made so far. Every one has its own journal and
/// its own files, each of a whole shard's size and with holes where the others' batches belong, so that nothing
/// depends on how a shared file system treats two machines that write one file.
struct Part {
  std::filesystem::path path;
  JournalText journal;
  std::string name() const { return path.filename().string(); }
  /// The file of a shard, under its temporary name.
  std::filesystem::path file(const OutputShard& shard) const;
  /// Whether a batch is there, and the file that holds it.
  bool has(const OutputShard& shard, std::size_t batch) const;
};

std::string part_name(int rank);

/// All parts of OUT_DIR.partial that have begun, by rank.
std::vector<Part> find_parts(const std::filesystem::path& partial);

/// A Failure when a part was begun by another command, or from another source, than this run.
void check_parts(const std::vector<Part>& parts, const nvq::io::json& run);

/// Batches that are done, as (index of the shard, batch): by a part, or in a shard that has its name, since a
/// merge was killed after it.
using Done = std::set<std::pair<std::size_t, std::size_t>>;
Done find_done(const Plan& plan, std::int64_t batch_bytes, const std::filesystem::path& partial,
               const std::vector<Part>& parts);

/// Batches of a unit that are not done.
std::vector<std::size_t> missing_of(const Unit& unit, const Done& done);

}  // namespace app
