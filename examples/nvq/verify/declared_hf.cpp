// SPDX-License-Identifier: Apache-2.0
// The methods that transformers named: fp8 (DeepSeek), mxfp4 (GPT-OSS), gptq, awq, bitsandbytes.
#include <fmt/format.h>

#include <algorithm>

#include "declared.hpp"

namespace app::check {

namespace {

using nvq::io::json;

void require(const json& q, std::initializer_list<const char*> keys, Findings& findings) {
  for (const char* key : keys)
    if (!q.contains(key))
      findings.error("V18", std::string("quantization_config.") + key, "missing; vLLM requires it");
}

void skip_list(const json& q, std::initializer_list<const char*> keys, Declaration& d) {
  for (const char* key : keys) {
    d.ignore = strings_at(q, key);
    d.ignore_key = key;
    if (!d.ignore.empty()) return;
  }
}

Scheme fp8_scheme(const json& q, Findings& findings) {
  Scheme s;
  s.names = Names::huggingface;
  s.bits = 8;
  s.label = "fp8";
  s.activations = text_at(q, "activation_scheme") == "static" ? Activations::fixed : Activations::dynamic;
  const auto block = q.find("weight_block_size");
  s.kind = block == q.end() || block->is_null() ? Kind::fp8_tensor : Kind::fp8_block;
  if (s.kind == Kind::fp8_tensor) return s;
  if (block->is_array() && block->size() == 2 && (*block)[0].is_number_integer() &&
      (*block)[1].is_number_integer() && (*block)[0].get<std::int64_t>() > 0 &&
      (*block)[1].get<std::int64_t>() > 0) {
    s.tile_rows = std::min((*block)[0].get<std::int64_t>(), largest_block());
    s.tile_columns = std::min((*block)[1].get<std::int64_t>(), largest_block());
  } else {
    findings.error("V18", "quantization_config.weight_block_size", "it is not [rows, columns]");
  }
  if (s.activations == Activations::fixed)
    findings.error("V18", "quantization_config.activation_scheme",
                   "block-wise FP8 has dynamic activations only");
  return s;
}

Scheme integer_scheme(const json& q, Kind kind, Findings& findings) {
  Scheme s;
  s.kind = kind;
  s.names = Names::huggingface;
  s.bits = static_cast<int>(number_at(q, "bits", number_at(q, "w_bit", 4)));
  if (s.bits != 2 && s.bits != 4 && s.bits != 8) {
    findings.error("V18", "quantization_config.bits", fmt::format("{} bits; loaders take 4 and 8", s.bits));
    s.bits = 4;
  }
  s.group = number_at(q, "group_size", number_at(q, "q_group_size", 128));
  s.group = std::clamp<std::int64_t>(s.group, 0, largest_block());
  s.label = kind == Kind::gptq ? "gptq" : "awq";
  return s;
}

void declare_gptq(const Snapshot& c, const json& q, Declaration& d, Findings& findings) {
  (void)c;
  require(q, {"bits", "group_size", "desc_act", "sym"}, findings);
  Scheme s = integer_scheme(q, Kind::gptq, findings);
  s.symmetric = !q.contains("sym") || true_at(q, "sym");
  const std::string format = text_at(q, "checkpoint_format");
  s.gptq_v2 = format == "gptq_v2";
  if (!format.empty() && format != "gptq" && format != "gptq_v2")
    findings.error("V18", "quantization_config.checkpoint_format",
                   fmt::format("'{}': loaders know gptq and gptq_v2", format));
  d.ignore_key = "dynamic";
  const json& dynamic = object_at(q, "dynamic");
  for (const auto& item : dynamic.items())
    if (item.key().rfind("-:", 0) == 0) d.ignore.push_back("re:" + item.key().substr(2));
  d.groups.push_back({s, {}});
}

}  // namespace

void declare_huggingface(const Snapshot& c, const json& q, Declaration& d, Findings& findings) {
  d.matching = Matching::part_of_name;
  if (d.method == "fp8") {
    skip_list(q, {"modules_to_not_convert", "ignored_layers"}, d);
    d.every_linear = !d.ignore.empty();
    d.groups.push_back({fp8_scheme(q, findings), {}});
  } else if (d.method == "mxfp4") {
    skip_list(q, {"modules_to_not_convert"}, d);
    d.experts_only = true;
    Scheme s;
    s.kind = Kind::gptoss_mxfp4;
    s.names = Names::huggingface;
    s.label = "mxfp4";
    d.groups.push_back({s, {}});
  } else if (d.method == "gptq") {
    declare_gptq(c, q, d, findings);
  } else if (d.method == "awq") {
    require(q, {"zero_point"}, findings);
    if (!q.contains("bits") && !q.contains("w_bit")) require(q, {"bits"}, findings);
    if (!q.contains("group_size") && !q.contains("q_group_size")) require(q, {"group_size"}, findings);
    const std::string version = text_at(q, "version");
    if (!version.empty() && version != "gemm" && version != "GEMM")
      findings.warning("V18", "quantization_config.version",
                       fmt::format("'{}': vLLM reads the layout of gemm", version));
    skip_list(q, {"modules_to_not_convert"}, d);
    d.groups.push_back({integer_scheme(q, Kind::awq, findings), {}});
  } else if (d.method == "bitsandbytes") {
    skip_list(q, {"llm_int8_skip_modules"}, d);
    if (!true_at(q, "load_in_4bit") && !true_at(q, "_load_in_4bit")) {
      findings.error("N-config", "quantization_config.load_in_4bit",
                     "only 4-bit checkpoints of bitsandbytes are known here");
      return;
    }
    Scheme s;
    s.kind = Kind::bnb4;
    s.names = Names::huggingface;
    s.label = "bitsandbytes";
    d.groups.push_back({s, {}});
  } else {
    findings.error("N-config", "quantization_config.quant_method",
                   d.method.empty() ? "missing" : fmt::format("'{}' is unknown", d.method));
  }
}

}  // namespace app::check
