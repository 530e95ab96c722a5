// SPDX-License-Identifier: Apache-2.0
#include "fix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "failure.hpp"

namespace app::check {

Opened::Opened(const std::filesystem::path& directory)
    : checkpoint(directory, findings),
      declared(declaration_of(checkpoint, findings)),
      modules(modules_of(checkpoint, declared)) {
  Context x{checkpoint, declared, modules, findings, {}, {}, 1};
  check_shapes(x);
}

void Patches::add(const Snapshot& c, const Entry& t, std::vector<std::uint8_t> bytes) {
  (void)c;
  by_shard_[t.shard].push_back({t.offset, std::move(bytes)});
}

void Patches::apply(const Snapshot& c, Replacement& files) const {
  for (const auto& [shard, patches] : by_shard_) files.patched(c.shards()[shard], patches);
}

void fix(const std::string& action, const std::filesystem::path& directory,
         const std::filesystem::path& source, FixLog& log) {
  const Opened c(directory);
  const std::string input = "input-scale=";
  if (action.rfind(input, 0) == 0) {
    char* end = nullptr;
    const std::string number = action.substr(input.size());
    const float value = std::strtof(number.c_str(), &end);
    if (number.empty() || *end != '\0' || !std::isfinite(value) || value <= 0)
      throw Failure(fmt::format("--fix {}: '{}' is no positive number", action, number));
    return fix_input_scales(c, value, log);
  }
  if (action == "shared-scales") return fix_shared_scales(c, log);
  if (action == "ignore") return fix_ignore(c, log);
  if (action == "config") return fix_config(c, source, log);
  if (action == "index") return fix_index(c, log);
  throw Failure(
      fmt::format("--fix {}: known are input-scale=NUMBER, shared-scales, ignore, config and index", action));
}

std::string index_text(const Snapshot& c, const std::string& added,
                       const std::vector<nvq::io::tensor_spec>& specs) {
  nvq::io::shard_index index;
  for (const auto& [name, t] : c.tensors()) index.weight_map[name] = c.shards()[t.shard];
  index.total_size = c.total_bytes();
  for (const nvq::io::tensor_spec& t : specs) {
    index.weight_map[t.name] = added;
    index.total_size += nvq::io::element_count(t.shape).value_or(0) * nvq::io::bits(t.type) / 8;
  }
  return nvq::io::index_text(index);
}

void fix_index(const Opened& c, FixLog& log) {
  std::vector<std::string> reasons;
  bool wrong = false;
  Findings found;
  auto modules = c.modules;
  Findings opening;
  const Snapshot again(c.checkpoint.directory(), opening);
  Context x{again, c.declared, modules, found, {}, {}, 1};
  check_files(x);
  for (const Finding& f : opening.all()) {
    if (f.rule == "N-shard" || (f.rule == "V20" && f.seen.find("stale") != std::string::npos) ||
        f.seen.find("is not there") != std::string::npos)
      reasons.push_back(f.subject + ": " + f.seen);
    wrong = wrong || f.rule == "V20";
  }
  for (const Finding& f : found.all()) wrong = wrong || f.rule == "V20";
  if (c.checkpoint.index()) {
    const auto listed = c.checkpoint.index()->shards();
    for (const std::string& shard : c.checkpoint.shards())
      if (std::find(listed.begin(), listed.end(), shard) == listed.end())
        reasons.push_back(shard + ": no tensor of it is in the index");
  }
  if (!reasons.empty()) {
    for (const std::string& r : reasons)
      log.refused.push_back("index: " + r + "; which tensors are right cannot be told from the headers");
    return;
  }
  if (!wrong) return;
  Replacement files(c.checkpoint.directory());
  files.text(index_file, index_text(c.checkpoint));
  files.commit();
  log.done.push_back(
      fmt::format("index: written from the headers, {} tensors", c.checkpoint.tensors().size()));
}

}  // namespace app::check
