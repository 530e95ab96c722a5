// SPDX-License-Identifier: Apache-2.0
#include "run_identity.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string_view>
#include <system_error>

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

}  // namespace app
