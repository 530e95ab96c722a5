// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/detail/compressed_tensors_json.hpp>
#include <nvq/io/detail/modelopt_json.hpp>
#include <nvq/io/json.hpp>
#include <nvq/io/quantization.hpp>
#include <set>
#include <string>

/// The JSON that tells an engine how a checkpoint is quantized, written and read.
NVQ_BEGIN_NAMESPACE
namespace io {

/// `quantization_config` of config.json.
inline json quantization_config(const quantization& q) {
  const weight_scheme& first = q.uses.front().scheme;
  switch (q.owner) {
    case dialect::compressed_tensors:
      return detail::ct_config(q);
    case dialect::modelopt:
      return detail::modelopt_config(q);
    case dialect::deepseek:
      // transformers reads one list and engines the other.
      return {{"quant_method", "fp8"},
              {"fmt", "e4m3"},
              {"activation_scheme", "dynamic"},
              {"weight_block_size", {128, 128}},
              {"modules_to_not_convert", q.ignore},
              {"ignored_layers", q.ignore}};
    case dialect::gpt_oss:
      return {{"quant_method", "mxfp4"}, {"modules_to_not_convert", q.ignore}};
    case dialect::gptq:
    case dialect::gptq_v2: {
      json config = {{"quant_method", "gptq"},
                     {"bits", 4},
                     {"group_size", first.group},
                     {"desc_act", false},
                     {"sym", !first.zero_points},
                     {"lm_head", false},
                     {"checkpoint_format", name(q.owner)},
                     {"pack_dtype", "int32"},
                     {"meta", {{"quantizer", {"nvq:" + q.version}}}}};
      // "-:" leaves the modules out whose names the pattern matches.
      json dynamic = json::object();
      std::set<std::string> seen;
      for (const std::string& module : q.ignore) {
        if (!seen.insert(module).second) continue;
        std::string pattern = "-:^";
        for (const char c : module) pattern += c == '.' ? std::string("\\.") : std::string(1, c);
        append_member(dynamic, pattern + "$", json::object());
      }
      config["dynamic"] = std::move(dynamic);
      config["modules_to_not_convert"] = q.ignore;
      return config;
    }
    case dialect::awq:
      return {{"quant_method", "awq"}, {"bits", 4},         {"group_size", first.group},
              {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", q.ignore}};
    case dialect::bitsandbytes:
      return {{"quant_method", "bitsandbytes"},
              {"load_in_4bit", true},
              {"load_in_8bit", false},
              {"_load_in_4bit", true},
              {"_load_in_8bit", false},
              {"bnb_4bit_quant_type", "nf4"},
              {"bnb_4bit_use_double_quant", first.double_quant},
              {"bnb_4bit_compute_dtype", "bfloat16"},
              {"bnb_4bit_quant_storage", "uint8"},
              {"llm_int8_skip_modules", q.ignore}};
  }
  return nullptr;
}

/// The dialect's second file: its name and content. No name where there is none.
struct companion_config {
  const char* file = nullptr;
  json content;
};
inline companion_config second_config(const quantization& q) {
  if (q.owner == dialect::modelopt) return {"hf_quant_config.json", detail::modelopt_hf_config(q)};
  if (q.owner == dialect::gptq || q.owner == dialect::gptq_v2)
    return {"quantize_config.json", quantization_config(q)};
  return {};
}

namespace detail {

inline expected<quantization> parse_int4(const json& config, dialect owner) {
  if (number_at(config, "bits") != 4)
    return error{"quantization_config: " + std::to_string(number_at(config, "bits")) +
                 " bits are not supported; only 4 are"};
  if (const json* act = field(config, "desc_act"); act != nullptr && *act == true)
    return error{"quantization_config: desc_act (columns out of order) is not supported"};
  weight_scheme s;
  s.owner = owner;
  s.kind = weight_kind::int4_group;
  const std::int64_t group = number_at(config, "group_size");
  if (group != 32 && group != 64 && group != 128)
    return error{"quantization_config: group size " + std::to_string(group) +
                 " is not supported; 32, 64 and 128 are"};
  s.group = static_cast<int>(group);
  s.zero_points = owner == dialect::awq ? !is_false(config, "zero_point") : is_false(config, "sym");
  quantization q;
  q.owner = owner;
  q.uses.push_back({s, {}});
  q.ignore = texts_at(config, "modules_to_not_convert");
  return q;
}

inline quantization single(weight_kind kind, dialect owner, std::vector<std::string> ignore) {
  weight_scheme s;
  s.owner = owner;
  s.kind = kind;
  s.activations = usual_activations(owner, kind);
  quantization q;
  q.owner = owner;
  q.uses.push_back({s, {}});
  q.ignore = std::move(ignore);
  return q;
}

}  // namespace detail

/// What a config.json's `quantization_config` (or Model Optimizer's hf_quant_config.json) describes, or why it
/// is nothing this library reads.
inline expected<quantization> parse_quantization_config(const json& config) {
  const std::string method = detail::text_at(config, "quant_method");
  if (method == "compressed-tensors") return detail::parse_ct(config);
  if (method == "modelopt" || (method.empty() && config.contains("quantization")))
    return detail::parse_modelopt(config);
  if (method == "fp8") {
    const json* block = detail::field(config, "weight_block_size");
    if (block == nullptr || *block != json({128, 128}))
      return error{"quant_method 'fp8' without weight_block_size [128, 128] is not supported"};
    return detail::single(weight_kind::fp8_block, dialect::deepseek,
                          detail::texts_at(config, "modules_to_not_convert"));
  }
  if (method == "mxfp4")
    return detail::single(weight_kind::mxfp4, dialect::gpt_oss,
                          detail::texts_at(config, "modules_to_not_convert"));
  if (method == "gptq") {
    const bool v2 = detail::text_at(config, "checkpoint_format") == "gptq_v2";
    return detail::parse_int4(config, v2 ? dialect::gptq_v2 : dialect::gptq);
  }
  if (method == "awq") return detail::parse_int4(config, dialect::awq);
  if (method == "bitsandbytes") {
    if (detail::text_at(config, "bnb_4bit_quant_type") != "nf4")
      return error{"bitsandbytes: only 4-bit weights of type nf4 are supported"};
    quantization q = detail::single(weight_kind::nf4, dialect::bitsandbytes,
                                    detail::texts_at(config, "llm_int8_skip_modules"));
    const json* nested = detail::field(config, "bnb_4bit_use_double_quant");
    q.uses.front().scheme.double_quant = nested != nullptr && *nested == true;
    return q;
  }
  return error{"quant_method '" + method + "' is not supported"};
}

}  // namespace io
NVQ_END_NAMESPACE
