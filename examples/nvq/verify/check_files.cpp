// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <system_error>

#include "checks.hpp"

namespace fs = std::filesystem;

namespace app::check {

namespace {

constexpr auto index_file = "model.safetensors.index.json";

void check_index(Context& x) {
  const Snapshot& c = x.checkpoint;
  if (!c.index()) {
    if (c.shards().size() > 1)
      x.findings.error("V20", index_file,
                       fmt::format("missing, although there are {} shards", c.shards().size()));
    return;
  }
  const auto& map = c.index()->weight_map;
  for (const auto& [name, file] : map) {
    const Entry* t = c.find(name);
    if (t == nullptr)
      x.findings.error("V20", name, fmt::format("the index says it is in {}; no shard has it", file));
    else if (c.shards()[t->shard] != file)
      x.findings.error("V20", name,
                       fmt::format("the index says it is in {}; it is in {}", file, c.shards()[t->shard]));
  }
  for (const auto& [name, t] : c.tensors())
    if (map.count(name) == 0)
      x.findings.error("V20", name,
                       fmt::format("it is in {} and not in the index: a stale shard, or a stale index",
                                   c.shards()[t.shard]));
  const std::int64_t stated = c.index()->total_size, real = c.total_bytes();
  if (stated != 0 && stated != real)
    x.findings.warning("V20", "metadata.total_size",
                       fmt::format("{} in the index; the tensors have {} bytes", stated, real));
}

void check_strays(Context& x) {
  std::error_code ec;
  for (const auto& e : fs::directory_iterator(x.checkpoint.directory(), ec)) {
    const std::string name = e.path().filename().string(), extension = e.path().extension().string();
    if (extension == ".safetensors" && name.rfind("consolidated", 0) == 0)
      x.findings.error("N-files", name, "vLLM takes a directory with such a file for a Mistral checkpoint");
    else if (extension == ".bin" || extension == ".pt" || extension == ".pth")
      x.findings.warning("N-files", name, "weights of another kind beside the safetensors");
    else if (extension == ".partial")
      x.findings.warning("N-files", name, "remains of a run that did not finish");
  }
}

}  // namespace

std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += fmt::format(" and {} more", names.size() - most);
  return text;
}

void check_files(Context& x) {
  check_index(x);
  check_strays(x);
}

}  // namespace app::check
