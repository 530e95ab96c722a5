// SPDX-License-Identifier: Apache-2.0
#include "weight_source.hpp"

#include <algorithm>
#include <array>

#include "layers.hpp"

namespace app {

namespace {

/// Families that store experts as [experts, in, out].
constexpr std::array<std::string_view, 4> transposed_families = {"gpt_oss", "llama4", "llama4_text",
                                                                 "qwen3_vl_moe"};

std::string family(const nvq::io::json& config) {
  const bool named = config.contains("model_type") && config["model_type"].is_string();
  return named ? config["model_type"].get<std::string>() : std::string();
}

bool transposed_family(const nvq::io::json& config) {
  return std::find(transposed_families.begin(), transposed_families.end(), family(config)) !=
         transposed_families.end();
}

/// A stack's two orders differ in which side is as long as the model is wide.
enum class Order { unknown, natural, transposed };

Order order_of(const Tensor& t, bool down, const nvq::io::json& config) {
  const std::int64_t hidden = config_number(config, "hidden_size");
  const std::int64_t out = t.shape[1], in = t.shape[2];
  const bool natural = (down ? out : in) == hidden, transposed = (down ? in : out) == hidden;
  if (hidden <= 0 || (!natural && !transposed)) return Order::unknown;
  if (natural && transposed) return transposed_family(config) ? Order::transposed : Order::natural;
  return natural ? Order::natural : Order::transposed;
}

}  // namespace

const nvq::io::json* config_value(const nvq::io::json& config, const char* key) {
  if (config.contains(key)) return &config[key];
  if (!config.contains("text_config") || !config["text_config"].is_object()) return nullptr;
  const nvq::io::json& text = config["text_config"];
  return text.contains(key) ? &text[key] : nullptr;
}

std::int64_t config_number(const nvq::io::json& config, const char* key) {
  const nvq::io::json* value = config_value(config, key);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : -1;
}

std::vector<WeightSource> weight_sources(const Tensor& t, const nvq::io::json& config, Stacks stacks,
                                         std::string& why_not) {
  std::string module;
  if (is_weight(t.name, module)) {
    WeightSource w;
    w.module = module;
    w.tensor = &t;
    if (t.shape.size() == 2) {
      w.rows = t.shape[0];
      w.columns = w.row_stride = t.shape[1];
      w.column_stride = 1;
    }
    return {w};
  }
  const std::string_view last = leaf(t.name);
  const bool down = last == "down_proj", gate_up = last == "gate_up_proj";
  const std::string parent = t.name.substr(0, t.name.size() - last.size());
  if (t.shape.size() != 3 || (!down && !gate_up) || leaf(parent.substr(0, parent.size() - 1)) != "experts")
    return {};
  const Order order = order_of(t, down, config);
  if (order == Order::unknown) {
    why_not = "config.json's hidden_size does not tell which side of them is which";
    return {};
  }
  const std::int64_t experts = t.shape[0], rows = t.shape[order == Order::natural ? 1 : 2],
                     columns = t.shape[order == Order::natural ? 2 : 1];
  if (stacks == Stacks::split && family(config) == "gpt_oss") {
    why_not = "gpt-oss interleaves gate and up; use --dialect gpt-oss";
    return {};
  }
  const std::int64_t parts = gate_up && stacks == Stacks::split ? 2 : 1;
  if (rows % parts != 0) {
    why_not = "an odd number of rows cannot hold gate and up";
    return {};
  }
  std::vector<WeightSource> all;
  for (std::int64_t e = 0; e < experts; ++e)
    for (std::int64_t p = 0; p < parts; ++p) {
      WeightSource w;
      w.tensor = &t;
      w.rows = rows / parts;
      w.columns = columns;
      w.row_stride = order == Order::natural ? columns : 1;
      w.column_stride = order == Order::natural ? 1 : rows;
      w.first = e * rows * columns + p * w.rows * w.row_stride;
      if (stacks == Stacks::split) {
        w.module = parent + std::to_string(e) + (down ? ".down_proj" : p == 0 ? ".gate_proj" : ".up_proj");
      } else {
        w.module = t.name;
        w.slice = e;
        w.slices = experts;
      }
      all.push_back(std::move(w));
    }
  return all;
}

}  // namespace app
