// SPDX-License-Identifier: Apache-2.0
#include "run_identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <system_error>

#include "failure.hpp"
#include "version.hpp"

namespace app {

namespace {

/// FNV-1a: against a plan that changed by accident, not against anyone.
class Hash {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    value_ = (value_ ^ 0xffu) * 0x100000001b3u;
  }
  template <class T>
  void number(T x) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &x, sizeof(T));
    add({bytes, sizeof(T)});
  }
  std::string text() const { return fmt::format("{:016x}", value_); }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

/// 64 places of 4 KiB in every file: two models that differ in a fine-tuning differ nearly everywhere.
std::string samples(const Checkpoint& source) {
  constexpr std::int64_t places = 64, length = 4096;
  Hash hash;
  std::string bytes;
  for (const Shard& s : source.shards()) {
    const std::int64_t last = std::max<std::int64_t>(0, s.file_size - length);
    for (std::int64_t i = 0; i < places; ++i) {
      bytes.resize(static_cast<std::size_t>(std::min(length, s.file_size)));
      const auto at =
          static_cast<std::int64_t>(static_cast<double>(last) / (places - 1) * static_cast<double>(i));
      unwrap(s.file.read_at(std::min(at, last), bytes.data(), static_cast<std::int64_t>(bytes.size())),
             s.path.string());
      hash.add(bytes);
    }
  }
  return hash.text();
}

}  // namespace

nvq::io::json run_identity(const Checkpoint& source, const Plan& plan, std::int64_t batch_bytes) {
  nvq::io::json files = nvq::io::json::array();
  for (const Shard& s : source.shards()) {
    std::error_code ec;
    const auto changed = std::filesystem::last_write_time(s.path, ec).time_since_epoch().count();
    files.push_back({s.path.filename().string(), s.file_size, ec ? 0 : static_cast<std::int64_t>(changed)});
  }
  Hash hash;
  for (const Treatment& t : plan.rules.treatments) {
    hash.add(t.format);
    hash.add(t.recipe);
    hash.number(static_cast<int>(t.scheme.activations));
  }
  for (const OutputShard& shard : plan.shards) {
    hash.add(shard.name);
    hash.add(shard.layout.header);
    for (const Work& w : shard.work) {
      hash.number(w.treatment);
      hash.number(w.group);
      hash.number(w.input_amax);
      hash.number(w.constant);
      hash.add(w.source != nullptr ? w.source->name : "");
      hash.add(w.outputs.front().name);
    }
  }
  return {{"version of nvq", version_text()},
          {"source", std::move(files)},
          {"set of options", hash.text()},
          {"size of batches", batch_bytes}};
}

nvq::io::json identity_of_part(const Checkpoint& source, const Plan& plan, std::int64_t batch_bytes) {
  nvq::io::json identity = run_identity(source, plan, batch_bytes);
  identity["content of the source"] = samples(source);
  return identity;
}

nvq::io::json common_identity(nvq::io::json identity) {
  for (const char* key :
       {"version of nvq", "source", "set of options", "size of batches", "content of the source"})
    if (!identity.is_object() || !identity.contains(key)) return {};
  for (nvq::io::json& file : identity["source"])
    if (file.is_array() && file.size() == 3) file.erase(2);
  return {{"version of nvq", identity["version of nvq"]},
          {"source", identity["source"]},
          {"set of options", identity["set of options"]},
          {"size of batches", identity["size of batches"]},
          {"content of the source", identity["content of the source"]}};
}

}  // namespace app
