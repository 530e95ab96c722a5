// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nvq/io/expected.hpp>
#include <nvq/io/json.hpp>
#include <string>
#include <string_view>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {

/// `model.safetensors.index.json`: which shard holds which tensor (huggingface/transformers, sharded
/// checkpoints).
struct shard_index {
  std::map<std::string, std::string> weight_map;  ///< Tensor to file name, without a directory.
  std::int64_t total_size = 0;                    ///< Bytes of all tensors.

  std::vector<std::string> shards() const {
    std::map<std::string, bool> seen;
    for (const auto& [tensor, file] : weight_map) seen[file] = true;
    std::vector<std::string> names;
    for (const auto& [file, unused] : seen) names.push_back(file);
    return names;
  }
};

/// Parses an index. A shard must be a plain file name: an index from outside does not choose directories.
/// `metadata.total_size` is not required; many published ones are wrong.
inline expected<shard_index> parse_index(std::string_view text) {
  auto document = parse_json<nlohmann::json>(text);
  if (!document) return document.error();
  if (!document->is_object() || !document->contains("weight_map") || !(*document)["weight_map"].is_object())
    return error{"it has no weight_map object; this is no safetensors index"};
  shard_index index;
  for (const auto& item : (*document)["weight_map"].items()) {
    if (!item.value().is_string()) return error{"weight_map of tensor '" + item.key() + "' is not a string"};
    const auto& file = item.value().get_ref<const std::string&>();
    if (file.empty() || file[0] == '.' ||
        file.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
      return error{"weight_map of tensor '" + item.key() + "' names '" + file +
                   "', which is no plain file name"};
    index.weight_map[item.key()] = file;
  }
  if (index.weight_map.empty()) return error{"its weight_map is empty"};
  return index;
}

/// The file's text, tensors in alphabetical order.
inline std::string index_text(const shard_index& index) {
  const auto quoted = [](const std::string& s) {
    return json(s).dump(-1, ' ', false, json::error_handler_t::replace);
  };
  std::string text =
      "{\n  \"metadata\": {\"total_size\": " + std::to_string(index.total_size) + "},\n  \"weight_map\": {";
  const char* separator = "\n";
  for (const auto& [tensor, file] : index.weight_map) {
    text += separator;
    text += "    " + quoted(tensor) + ": " + quoted(file);
    separator = ",\n";
  }
  return text + "\n  }\n}\n";
}

}  // namespace io
NVQ_END_NAMESPACE
