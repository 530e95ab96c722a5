// SPDX-License-Identifier: Apache-2.0
// model.safetensors.index.json.
#include <nvq/io/index.hpp>
#include <set>
#include <string>
#include <string_view>

#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto index = nvq::io::parse_index({reinterpret_cast<const char*>(data), size});
  if (!index) {
    fuzz::require(!index.error().message.empty(), "a refusal says why");
    return 0;
  }
  fuzz::require(!index->weight_map.empty(), "an index has tensors");
  std::set<std::string> files;
  for (const auto& [tensor, file] : index->weight_map) {
    files.insert(file);
    fuzz::require(!file.empty() && file[0] != '.', "no shard is hidden, or a directory");
    for (const char c : file) fuzz::require(c != '/' && c != '\\' && c != '\0', "shards are plain names");
  }
  fuzz::require(index->shards() == std::vector<std::string>(files.begin(), files.end()),
                "every shard is told once");
  const std::string text = nvq::io::index_text(*index);
  const auto back = nvq::io::parse_index(text);
  fuzz::require(static_cast<bool>(back), "what was written can be read");
  fuzz::require(back->weight_map == index->weight_map, "the map comes back");
  fuzz::require(nvq::io::index_text(*back) == text, "writing again changes nothing");
  return 0;
}
