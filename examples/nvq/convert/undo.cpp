// SPDX-License-Identifier: Apache-2.0
#include "convert/undo.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <nvq/io/dialect_json.hpp>

namespace app {

namespace {

using nvq::io::json;

constexpr const char* config_key = "nvq.convert";
constexpr const char* tensors_key = "nvq.convert.tensors";

/// From the file, so it may be anything.
json object_of(const std::string& text) {
  auto parsed = nvq::io::parse_json(text);
  return parsed && parsed->is_object() ? *std::move(parsed) : json::object();
}

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::string fingerprint(const json& value) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text_of(value)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return fmt::format("{:016x}", hash);
}

Undo::Undo(const Checkpoint& source, nvq::io::dialect to) {
  json configuration = json::object();
  for (const Shard& shard : source.shards())
    for (const auto& [key, value] : shard.metadata)
      if (key == config_key) configuration = object_of(value);
  if (nvq::io::detail::text_at(configuration, "from") != nvq::io::name(to)) return;
  for (const Shard& shard : source.shards())
    for (const auto& [key, value] : shard.metadata) {
      if (key != tensors_key) continue;
      const json entries = object_of(value);
      for (const auto& [name, entry] : entries.items()) tensors_[name] = entry;
    }
  if (const json* all = nvq::io::detail::field(configuration, "tensors"); all != nullptr && all->is_object())
    for (const auto& [suffix, entry] : all->items()) suffixes_[suffix] = entry;
  const json* now = nvq::io::detail::field(source.config(), "quantization_config");
  const json* before = nvq::io::detail::field(configuration, "configuration");
  if (now != nullptr && before != nullptr && before->is_object() &&
      nvq::io::detail::text_at(configuration, "written") == fingerprint(*now))
    config_ = *before;
}

const json* Undo::find(const std::string& name) const {
  if (const auto at = tensors_.find(name); at != tensors_.end()) return &at->second;
  for (const auto& [suffix, entry] : suffixes_)
    if (name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0)
      return &entry;
  return nullptr;
}

Metadata Undo::without(const Metadata& metadata) {
  Metadata all;
  for (const auto& entry : metadata)
    if (entry.first != config_key && entry.first != tensors_key) all.push_back(entry);
  return all;
}

void UndoNotes::add(int shard, const std::string& module, const std::string& suffix, json entry) {
  ++seen_[suffix];
  entries_.push_back({shard, module, suffix, std::move(entry)});
}

std::map<int, Metadata> UndoNotes::metadata(int first, const json& configuration) const {
  // An entry that all tensors of a suffix share is said once.
  std::map<std::string, std::pair<json, std::int64_t>> common;
  for (const Entry& e : entries_) {
    auto& [what, count] = common.try_emplace(e.suffix, e.what, 0).first->second;
    if (what == e.what) ++count;
  }
  json suffixes = json::object();
  for (const auto& [suffix, shared] : common)
    if (shared.second == seen_.at(suffix) && shared.second > 1) suffixes[suffix] = shared.first;
  std::map<int, std::string> tensors;
  for (const Entry& e : entries_) {
    if (suffixes.contains(e.suffix)) continue;
    std::string& text = tensors[e.shard];
    text += (text.empty() ? "{" : ",") + text_of(e.module + e.suffix) + ':' + text_of(e.what);
  }
  std::map<int, Metadata> all;
  json head = configuration;
  head["tensors"] = std::move(suffixes);
  all[first].emplace_back(config_key, text_of(head));
  for (const auto& [shard, text] : tensors) all[shard].emplace_back(tensors_key, text + '}');
  return all;
}

}  // namespace app
