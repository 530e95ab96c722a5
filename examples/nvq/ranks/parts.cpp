// SPDX-License-Identifier: Apache-2.0
#include "ranks/parts.hpp"

#include <algorithm>
#include <system_error>

#include "checkpoint.hpp"
#include "failure.hpp"
#include "output.hpp"
#include "run_identity.hpp"
#include "shard_writer.hpp"

namespace fs = std::filesystem;

namespace app {

std::string part_name(int rank) { return part_prefix + std::to_string(rank); }

fs::path Part::file(const OutputShard& shard) const { return path / (shard.name + ".partial"); }

bool Part::has(const OutputShard& shard, std::size_t batch) const {
  if (journal.done.count({shard.name, batch}) == 0) return false;
  std::error_code ec;
  return fs::file_size(file(shard), ec) == static_cast<std::uintmax_t>(shard.layout.file_size) && !ec;
}

std::vector<Part> find_parts(const fs::path& partial) {
  std::vector<Part> parts;
  std::error_code ec;
  for (const fs::directory_entry& e : fs::directory_iterator(partial, ec)) {
    const fs::path journal = e.path() / journal_name;
    if (e.path().filename().string().rfind(part_prefix, 0) != 0 || !fs::exists(journal, ec)) continue;
    JournalText text = parse_journal(read_text(journal, std::int64_t{1} << 30));
    if (text.whole != 0) parts.push_back({e.path(), std::move(text)});
  }
  const auto key = [](const Part& p) { return std::pair(p.name().size(), p.name()); };
  std::sort(parts.begin(), parts.end(), [&](const Part& a, const Part& b) { return key(a) < key(b); });
  return parts;
}

void check_parts(const std::vector<Part>& parts, const nvq::io::json& run) {
  const nvq::io::json common = common_identity(run);
  for (const Part& p : parts) check_same_run(common_identity(p.journal.run), common, p.path.string());
}

Done find_done(const Plan& plan, std::int64_t batch_bytes, const fs::path& partial,
               const std::vector<Part>& parts) {
  Done done;
  std::error_code ec;
  for (std::size_t s = 0; s < plan.shards.size(); ++s) {
    const OutputShard& shard = plan.shards[s];
    const bool named = fs::exists(partial / shard.name, ec);
    const std::size_t count = batches(shard.work, batch_bytes).size();
    for (std::size_t b = 0; b < count; ++b)
      if (named || std::any_of(parts.begin(), parts.end(), [&](const Part& p) { return p.has(shard, b); }))
        done.emplace(s, b);
  }
  return done;
}

std::vector<std::size_t> missing_of(const Unit& unit, const Done& done) {
  std::vector<std::size_t> missing;
  for (std::size_t b = unit.first; b < unit.first + unit.count; ++b)
    if (done.count({unit.shard, b}) == 0) missing.push_back(b);
  return missing;
}

}  // namespace app
