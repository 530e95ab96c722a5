// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <set>

#include "checkpoint.hpp"
#include "codec.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "layers.hpp"
#include "stored.hpp"
#include "table.hpp"

namespace app {

namespace {

struct Tally {
  std::int64_t tensors = 0, values = 0, bytes = 0;

  void add(std::int64_t n, std::int64_t size) {
    ++tensors;
    values += n;
    bytes += size;
  }
  std::vector<std::string> cells(std::string first, std::string second) const {
    const double bits = values == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(values);
    return {std::move(first),    std::move(second),  with_commas(tensors),
            with_commas(values), with_commas(bytes), fmt::format("{:.4f}", bits)};
  }
};

/// The string at a key, whatever else is there.
std::string text_of(const nvq::io::json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) return {};
  return object[key].is_string() ? object[key].get<std::string>() : object[key].dump();
}

std::string architecture(const nvq::io::json& config) {
  const bool named = config.contains("architectures") && config["architectures"].is_array() &&
                     !config["architectures"].empty();
  return named ? text_of({{"a", config["architectures"][0]}}, "a") : text_of(config, "model_type");
}

/// One line on how the checkpoint says it is quantized.
std::string quantization(const nvq::io::json& config) {
  if (!config.contains("quantization_config")) return "none";
  const nvq::io::json& q = config["quantization_config"];
  std::string line = text_of(q, "quant_method");
  for (const char* key : {"format", "quant_algo", "bits", "group_size", "fmt"})
    if (const std::string value = text_of(q, key); !value.empty()) line += fmt::format(", {} {}", key, value);
  for (const char* key : {"ignore", "modules_to_not_convert"})
    if (q.is_object() && q.contains(key) && q[key].is_array())
      line += fmt::format(", {} modules in {}", q[key].size(), key);
  return line;
}

}  // namespace

std::string inspect(const std::filesystem::path& directory) {
  const Checkpoint c(directory);
  std::string text = fmt::format("model         {}\n", architecture(c.config()));
  text +=
      fmt::format("files         {} safetensors, {} tensors, {} bytes\n", c.shards().size(),
                  with_commas(static_cast<std::int64_t>(c.tensors().size())), with_commas(c.total_bytes()));
  text += fmt::format("quantization  {}\n", quantization(c.config()));
  for (const auto& [key, value] : c.shards()[0].metadata)
    if (key == "producer" || key == "recipe") text += fmt::format("{:<14}{}\n", key, value);

  std::map<std::pair<std::string, std::string>, Tally> classes;
  std::set<const Tensor*> counted;
  std::string note;
  if (says_quantized(c)) {
    try {
      for (const auto& [module, w] : stored_weights(c, stored_quantization(c))) {
        std::int64_t bytes = 0;
        for (const auto& [what, tensor] : w.parts) {
          bytes += tensor->bytes / w.slices;
          counted.insert(tensor);
        }
        classes[{std::string(tensor_class(module + ".weight")), format_name(w.scheme)}].add(
            w.rows * w.columns, bytes);
      }
    } catch (const Failure& f) {
      note = std::string("note: quantized weights are listed as they are stored, because ") + f.what() + "\n";
      classes.clear();
      counted.clear();
    }
  }
  for (const Tensor& t : c.tensors())
    if (counted.count(&t) == 0)
      classes[{std::string(tensor_class(t.name)), nvq::io::name(t.type)}].add(
          t.bytes * 8 / nvq::io::bits(t.type), t.bytes);

  Table table({"class", "stored as", ">tensors", ">values", ">bytes", ">bits per value"});
  Tally all;
  for (const auto& [key, tally] : classes) {
    table.row(tally.cells(key.first, key.second));
    all.tensors += tally.tensors;
    all.values += tally.values;
    all.bytes += tally.bytes;
  }
  table.row(all.cells("all", ""));
  return text + '\n' + table.text() + note;
}

}  // namespace app
