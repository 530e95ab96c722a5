// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/detail/json_fields.hpp>
#include <nvq/io/quantization.hpp>
#include <set>
#include <string>

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

/// `dynamic` is true, false, or the "local" of NVFP4 activations.
inline json ct_args(int bits, const char* type, const char* strategy, int group, const json& dynamic) {
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
    case weight_kind::int4_group: {
      json args = ct_args(4, "int", "group", s.group, false);
      args["symmetric"] = !s.zero_points;
      return args;
    }
    case weight_kind::int4_channel:
      return ct_args(4, "int", "channel", 0, false);
    case weight_kind::nf4:
      break;
  }
  return nullptr;
}

inline json ct_activations(const weight_scheme& s) {
  if (s.activations == activation_kind::none) return nullptr;
  const bool dynamic = s.activations == activation_kind::dynamic;
  switch (s.kind) {
    case weight_kind::nvfp4:
      return ct_args(4, "float", "tensor_group", 16, "local");
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
      return ct_args(8, "float", dynamic ? "token" : "tensor", 0, dynamic);
  }
}

inline json ct_config(const quantization& q) {
  std::set<std::string> formats;
  json groups = json::object();
  for (const scheme_use& use : q.uses) {
    const char* format = ct_format(use.scheme.kind);
    formats.insert(format);
    groups["group_" + std::to_string(groups.size())] = {
        {"targets", use.targets.empty() ? json::array({"Linear"}) : json(use.targets)},
        {"format", format},
        {"weights", ct_weights(use.scheme)},
        {"input_activations", ct_activations(use.scheme)}};
  }
  return {{"quant_method", "compressed-tensors"},
          {"format", formats.size() == 1 ? *formats.begin() : "mixed-precision"},
          {"quantization_status", "compressed"},
          {"config_groups", groups},
          {"ignore", q.ignore},
          {"kv_cache_scheme", q.fp8_kv_cache ? ct_args(8, "float", "tensor", 0, false) : json(nullptr)}};
}

inline expected<weight_scheme> parse_ct_group(const json& config, const json& group) {
  const json* found = field(group, "weights");
  if (found == nullptr) return error{"quantization_config: config_groups holds no weights"};
  const json& weights = *found;
  std::string format = text_at(group, "format");
  if (format.empty()) format = text_at(config, "format");
  const auto bits = number_at(weights, "num_bits");
  const auto size = number_at(weights, "group_size");
  const std::string strategy = text_at(weights, "strategy");
  const json* inputs = field(group, "input_activations");

  weight_scheme s;
  if (inputs != nullptr && inputs->is_object()) {
    const json* dynamic = field(*inputs, "dynamic");
    s.activations =
        dynamic != nullptr && *dynamic == true ? activation_kind::dynamic : activation_kind::calibrated;
  }
  const bool channel = strategy == "channel";
  s.zero_points = is_false(weights, "symmetric");
  if (s.zero_points && (format != "pack-quantized" || strategy != "group"))
    return error{"quantization_config: zero points of format '" + format + "', strategy '" + strategy +
                 "' are not supported"};
  if (format == "nvfp4-pack-quantized" && size == 16) return s.kind = weight_kind::nvfp4, s;
  if (format == "mxfp4-pack-quantized" && size == 32) return s.kind = weight_kind::mxfp4, s;
  if (format == "mxfp6-pack-quantized" && size == 32) return s.kind = weight_kind::mxfp6, s;
  if (format == "mxfp8-quantized" && size == 32) return s.kind = weight_kind::mxfp8, s;
  if (format == "float-quantized" && bits == 8) {
    if (strategy == "tensor") return s.kind = weight_kind::fp8_tensor, s;
    if (channel) return s.kind = weight_kind::fp8_channel, s;
    const json* block = field(weights, "block_structure");
    if (strategy == "block" && block != nullptr && *block == json({128, 128}))
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

inline expected<quantization> parse_ct(const json& config) {
  const json* groups = field(config, "config_groups");
  if (groups == nullptr || !groups->is_object() || groups->empty())
    return error{"quantization_config has no config_groups"};
  quantization q;
  for (const json& group : *groups) {
    auto scheme = parse_ct_group(config, group);
    if (!scheme) return scheme.error();
    q.uses.push_back({*scheme, texts_at(group, "targets")});
  }
  q.ignore = texts_at(config, "ignore");
  const json* kv = field(config, "kv_cache_scheme");
  q.fp8_kv_cache = kv != nullptr && number_at(*kv, "num_bits") == 8;
  return q;
}

}  // namespace detail
}  // namespace io
NVQ_END_NAMESPACE
