// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect.hpp>
#include <nvq/io/json.hpp>
#include <string>
#include <string_view>
#include <vector>

/// The JSON that tells an engine how a checkpoint is quantized, written and read.
NVQ_BEGIN_NAMESPACE
namespace io {

namespace detail {

inline const char* ct_format(weight_kind kind) noexcept {
  switch (kind) {
    case weight_kind::nvfp4:
      return "nvfp4-pack-quantized";
    case weight_kind::mxfp4:
      return "mxfp4-pack-quantized";
    case weight_kind::mxfp6:
      return "mxfp6-pack-quantized";
    case weight_kind::mxfp8:
      return "mxfp8-quantized";
    case weight_kind::int8_channel:
      return "int-quantized";
    case weight_kind::int4_group:
    case weight_kind::int4_channel:
      return "pack-quantized";
    default:
      return "float-quantized";
  }
}

inline json ct_args(int bits, const char* type, const char* strategy, int group, bool dynamic) {
  json args = {{"num_bits", bits}, {"type", type}, {"strategy", strategy}};
  if (group != 0) args["group_size"] = group;
  args["symmetric"] = true;
  args["dynamic"] = dynamic;
  return args;
}

/// Only keys that every compressed-tensors since these formats exist knows: its models refuse any other.
/// MXFP6 and MXFP8 are newer than `scale_dtype`, and engines tell MXFP8 from other 8-bit floats by it.
inline json ct_weights(const weight_scheme& s) {
  const auto with_uint8_scale = [](json args) {
    args["scale_dtype"] = "torch.uint8";
    return args;
  };
  switch (s.kind) {
    case weight_kind::nvfp4:
      return ct_args(4, "float", "tensor_group", 16, false);
    case weight_kind::mxfp4:
      return ct_args(4, "float", "group", 32, false);
    case weight_kind::mxfp6:
      return with_uint8_scale(ct_args(6, "float", "group", 32, false));
    case weight_kind::mxfp8:
      return with_uint8_scale(ct_args(8, "float", "group", 32, false));
    case weight_kind::fp8_tensor:
      return ct_args(8, "float", "tensor", 0, false);
    case weight_kind::fp8_channel:
      return ct_args(8, "float", "channel", 0, false);
    case weight_kind::fp8_block: {
      json args = ct_args(8, "float", "block", 0, false);
      args["block_structure"] = {128, 128};
      return args;
    }
    case weight_kind::int8_channel:
      return ct_args(8, "int", "channel", 0, false);
    case weight_kind::int4_group:
      return ct_args(4, "int", "group", s.group, false);
    case weight_kind::int4_channel:
      return ct_args(4, "int", "channel", 0, false);
  }
  return nullptr;
}

inline json ct_activations(const weight_scheme& s) {
  if (!s.dynamic_activations) return nullptr;
  switch (s.kind) {
    case weight_kind::mxfp4:
      return ct_args(4, "float", "group", 32, true);
    case weight_kind::mxfp6:
    case weight_kind::mxfp8: {
      json args = ct_args(8, "float", "group", 32, true);
      args["scale_dtype"] = "torch.uint8";
      return args;
    }
    case weight_kind::fp8_block:
      return ct_args(8, "float", "group", 128, true);
    case weight_kind::int8_channel:
      return ct_args(8, "int", "token", 0, true);
    default:
      return ct_args(8, "float", "token", 0, true);
  }
}

inline const char* modelopt_algorithm(weight_kind kind) noexcept {
  switch (kind) {
    case weight_kind::nvfp4:
      return "W4A16_NVFP4";
    case weight_kind::mxfp8:
      return "MXFP8";
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

}  // namespace detail

/// `quantization_config` of config.json. `ignore` are the full names of the linear modules left as they were.
inline json quantization_config(const weight_scheme& s, const std::vector<std::string>& ignore,
                                const std::string& version) {
  if (s.owner == dialect::compressed_tensors) {
    const char* format = detail::ct_format(s.kind);
    const json group = {{"targets", {"Linear"}},
                        {"format", format},
                        {"weights", detail::ct_weights(s)},
                        {"input_activations", detail::ct_activations(s)}};
    return {
        {"quant_method", "compressed-tensors"},  {"format", format}, {"quantization_status", "compressed"},
        {"config_groups", {{"group_0", group}}}, {"ignore", ignore}, {"kv_cache_scheme", nullptr}};
  }
  // The flat form. Engines read quant_algo, ignore, kv_cache_scheme and group_size; the group restates the
  // weights in the words of compressed-tensors, as Model Optimizer's own exporter does.
  const int bits = s.kind == weight_kind::nvfp4 ? 4 : 8;
  json weights = {{"dynamic", false}, {"num_bits", bits}, {"type", "float"}};
  if (s.kind == weight_kind::fp8_channel) weights["strategy"] = "channel";
  const int group = detail::modelopt_group(s.kind);
  if (group != 0) weights["group_size"] = group;
  json group_0 = {{"weights", weights}, {"targets", {"Linear"}}};
  if (s.dynamic_activations)
    group_0["input_activations"] = {{"dynamic", true}, {"num_bits", 8}, {"type", "float"}};
  json config = {{"config_groups", {{"group_0", group_0}}},
                 {"ignore", ignore},
                 {"quant_algo", detail::modelopt_algorithm(s.kind)}};
  if (group != 0) config["group_size"] = group;
  config["producer"] = {{"name", "nvq"}, {"version", version}};
  config["quant_method"] = "modelopt";
  return config;
}

/// `hf_quant_config.json`, the second file of the modelopt dialect: the same facts in its nested form, in
/// which engines require every key.
inline json hf_quant_config(const weight_scheme& s, const std::vector<std::string>& exclude,
                            const std::string& version) {
  const int group = detail::modelopt_group(s.kind);
  return {{"producer", {{"name", "nvq"}, {"version", version}}},
          {"quantization",
           {{"quant_algo", detail::modelopt_algorithm(s.kind)},
            {"kv_cache_quant_algo", nullptr},
            {"group_size", group == 0 ? json(nullptr) : json(group)},
            {"exclude_modules", exclude}}}};
}

namespace detail {

inline std::string text_at(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get_ref<const std::string&>() : std::string();
}
inline std::int64_t number_at(const json& object, const char* key) {
  if (!object.is_object()) return 0;
  const auto it = object.find(key);
  return it != object.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
}

inline expected<weight_scheme> parse_ct(const json& config) {
  const auto groups = config.find("config_groups");
  if (groups == config.end() || !groups->is_object() || groups->size() != 1)
    return error{
        "quantization_config has no config_groups with one group; checkpoints of mixed formats are not "
        "supported"};
  const json& group = groups->begin().value();
  if (!group.is_object() || !group.contains("weights"))
    return error{"quantization_config: config_groups holds no weights"};
  const json& weights = group["weights"];
  std::string format = text_at(group, "format");
  if (format.empty()) format = text_at(config, "format");
  const auto bits = number_at(weights, "num_bits");
  const auto size = number_at(weights, "group_size");
  const std::string strategy = text_at(weights, "strategy");

  weight_scheme s;
  s.dynamic_activations = group.contains("input_activations") && !group["input_activations"].is_null();
  const bool channel = strategy == "channel";
  if (weights.contains("symmetric") && weights["symmetric"] == false)
    return error{"quantization_config: zero points are not supported"};
  if (format == "nvfp4-pack-quantized" && size == 16) return s.kind = weight_kind::nvfp4, s;
  if (format == "mxfp4-pack-quantized" && size == 32) return s.kind = weight_kind::mxfp4, s;
  if (format == "mxfp6-pack-quantized" && size == 32) return s.kind = weight_kind::mxfp6, s;
  if (format == "mxfp8-quantized" && size == 32) return s.kind = weight_kind::mxfp8, s;
  if (format == "float-quantized" && bits == 8) {
    if (strategy == "tensor") return s.kind = weight_kind::fp8_tensor, s;
    if (channel) return s.kind = weight_kind::fp8_channel, s;
    const auto block = weights.find("block_structure");
    if (strategy == "block" && block != weights.end() && *block == json({128, 128}))
      return s.kind = weight_kind::fp8_block, s;
  }
  if (format == "int-quantized" && bits == 8 && channel) return s.kind = weight_kind::int8_channel, s;
  if (format == "pack-quantized" && bits == 4) {
    if (channel) return s.kind = weight_kind::int4_channel, s;
    if (strategy == "group" && (size == 32 || size == 64 || size == 128)) {
      s.kind = weight_kind::int4_group;
      s.group = static_cast<int>(size);
      return s;
    }
  }
  return error{"quantization_config: format '" + format + "', " + std::to_string(bits) + " bits, strategy '" +
               strategy + "', group size " + std::to_string(size) + " is not supported"};
}

}  // namespace detail

/// The scheme that a config.json's `quantization_config` describes, or why it is not one this library reads.
inline expected<weight_scheme> parse_quantization_config(const json& config) {
  const std::string method = detail::text_at(config, "quant_method");
  if (method == "compressed-tensors") return detail::parse_ct(config);
  if (method != "modelopt") return error{"quant_method '" + method + "' is not supported"};
  const std::string algorithm = detail::text_at(config, "quant_algo");
  for (const weight_kind kind :
       {weight_kind::nvfp4, weight_kind::mxfp8, weight_kind::fp8_channel, weight_kind::fp8_block})
    if (algorithm == detail::modelopt_algorithm(kind) ||
        (algorithm == "NVFP4" && kind == weight_kind::nvfp4)) {
      weight_scheme s;
      s.owner = dialect::modelopt;
      s.kind = kind;
      s.dynamic_activations = kind != weight_kind::fp8_block && algorithm != "W4A16_NVFP4";
      return s;
    }
  return error{"quant_algo '" + algorithm + "' is not supported"};
}

}  // namespace io
NVQ_END_NAMESPACE
