// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/detail/json_fields.hpp>
#include <nvq/io/quantization.hpp>
#include <string>

NVQ_BEGIN_NAMESPACE
namespace io {
namespace detail {

inline const char* modelopt_algorithm(const weight_scheme& s) noexcept {
  switch (s.kind) {
    case weight_kind::nvfp4:
      return s.activations == activation_kind::none ? "W4A16_NVFP4" : "NVFP4";
    case weight_kind::mxfp8:
      return "MXFP8";
    case weight_kind::fp8_tensor:
      return "FP8";
    case weight_kind::fp8_channel:
      return "FP8_PER_CHANNEL_PER_TOKEN";
    case weight_kind::fp8_block:
      return "FP8_PB_WO";
    default:
      return "";
  }
}

inline int modelopt_group(weight_kind kind) noexcept {
  return kind == weight_kind::nvfp4       ? 16
         : kind == weight_kind::mxfp8     ? 32
         : kind == weight_kind::fp8_block ? 128
                                          : 0;
}

/// Whether layers are quantized by their names: several schemes, or one that not all layers have.
inline bool modelopt_mixed(const quantization& q) {
  return q.uses.size() > 1 || !q.uses.front().targets.empty();
}

/// MIXED_PRECISION names every quantized layer with its algorithm.
inline json modelopt_layers(const quantization& q) {
  json layers = json::object();
  for (const scheme_use& use : q.uses)
    for (const std::string& module : use.targets) {
      json layer = {{"quant_algo", modelopt_algorithm(use.scheme)}};
      if (const int group = modelopt_group(use.scheme.kind); group != 0) layer["group_size"] = group;
      append_member(layers, module, std::move(layer));
    }
  return layers;
}

/// The flat form of config.json. Engines read quant_algo, quantized_layers, ignore, kv_cache_scheme and
/// group_size; the groups restate the weights in the words of compressed-tensors, as Model Optimizer's own
/// exporter does.
inline json modelopt_config(const quantization& q) {
  json groups = json::object();
  for (const scheme_use& use : q.uses) {
    const weight_kind kind = use.scheme.kind;
    json weights = {{"dynamic", false}, {"num_bits", kind == weight_kind::nvfp4 ? 4 : 8}, {"type", "float"}};
    if (kind == weight_kind::fp8_channel) weights["strategy"] = "channel";
    if (const int group = modelopt_group(kind); group != 0) weights["group_size"] = group;
    json entry = {{"weights", weights}, {"targets", {"Linear"}}};
    if (use.scheme.activations == activation_kind::dynamic)
      entry["input_activations"] = {{"dynamic", true}, {"num_bits", 8}, {"type", "float"}};
    if (use.scheme.activations == activation_kind::calibrated) entry["input_activations"] = weights;
    groups["group_" + std::to_string(groups.size())] = std::move(entry);
  }
  json config = {{"config_groups", groups}, {"ignore", q.ignore}};
  if (!modelopt_mixed(q)) {
    config["quant_algo"] = modelopt_algorithm(q.uses[0].scheme);
    if (const int group = modelopt_group(q.uses[0].scheme.kind); group != 0) config["group_size"] = group;
  } else {
    config["quant_algo"] = "MIXED_PRECISION";
    config["quantized_layers"] = modelopt_layers(q);
  }
  if (q.fp8_kv_cache) config["kv_cache_scheme"] = {{"dynamic", false}, {"num_bits", 8}, {"type", "float"}};
  config["producer"] = {{"name", "nvq"}, {"version", q.version}};
  config["quant_method"] = "modelopt";
  return config;
}

/// The nested form of hf_quant_config.json, in which engines require every key.
inline json modelopt_hf_config(const quantization& q) {
  const bool mixed = modelopt_mixed(q);
  const int group = mixed ? 0 : modelopt_group(q.uses[0].scheme.kind);
  json inner = {{"quant_algo", mixed ? "MIXED_PRECISION" : modelopt_algorithm(q.uses[0].scheme)},
                {"kv_cache_quant_algo", q.fp8_kv_cache ? json("FP8") : json(nullptr)},
                {"group_size", group == 0 ? json(nullptr) : json(group)},
                {"exclude_modules", q.ignore}};
  if (mixed) inner["quantized_layers"] = modelopt_layers(q);
  return {{"producer", {{"name", "nvq"}, {"version", q.version}}}, {"quantization", inner}};
}

inline expected<weight_scheme> modelopt_scheme(const std::string& algorithm) {
  weight_scheme s;
  s.owner = dialect::modelopt;
  for (const weight_kind kind : {weight_kind::nvfp4, weight_kind::mxfp8, weight_kind::fp8_tensor,
                                 weight_kind::fp8_channel, weight_kind::fp8_block})
    for (const activation_kind activations :
         {usual_activations(s.owner, kind), activation_kind::calibrated}) {
      s.kind = kind;
      s.activations = activations;
      if (algorithm == modelopt_algorithm(s)) return s;
    }
  return error{"quant_algo '" + algorithm + "' is not supported"};
}

/// Of either form.
inline expected<quantization> parse_modelopt(const json& config) {
  const json* inner = field(config, "quantization");
  const json& q = inner != nullptr ? *inner : config;
  quantization out;
  out.owner = dialect::modelopt;
  out.ignore = texts_at(q, inner != nullptr ? "exclude_modules" : "ignore");
  const json* kv = field(q, "kv_cache_scheme");
  out.fp8_kv_cache =
      text_at(q, "kv_cache_quant_algo") == "FP8" || (kv != nullptr && number_at(*kv, "num_bits") == 8);
  const std::string algorithm = text_at(q, "quant_algo");
  if (algorithm != "MIXED_PRECISION") {
    auto scheme = modelopt_scheme(algorithm);
    if (!scheme) return scheme.error();
    out.uses.push_back({*scheme, {}});
    return out;
  }
  const json* layers = field(q, "quantized_layers");
  if (layers == nullptr || !layers->is_object() || layers->empty())
    return error{"quant_algo MIXED_PRECISION without quantized_layers"};
  for (const auto& [module, layer] : layers->items()) {
    auto scheme = modelopt_scheme(text_at(layer, "quant_algo"));
    if (!scheme) return error{"quantized_layers, '" + module + "': " + scheme.error().message};
    auto use = out.uses.begin();
    while (use != out.uses.end() && use->scheme != *scheme) ++use;
    if (use == out.uses.end()) use = out.uses.insert(use, {*scheme, {}});
    use->targets.push_back(module);
  }
  return out;
}

}  // namespace detail
}  // namespace io
NVQ_END_NAMESPACE
