// SPDX-License-Identifier: Apache-2.0
// Model Optimizer: quantization_config in config.json (flat) and hf_quant_config.json (nested).
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "declared.hpp"

namespace app::check {

namespace {

using nvq::io::json;

struct Algorithm {
  std::string_view name;
  Kind kind;
  Activations activations;
};

/// What vLLM's loader accepts.
constexpr Algorithm algorithms[] = {
    {"NVFP4", Kind::nvfp4, Activations::fixed},
    {"W4A16_NVFP4", Kind::nvfp4, Activations::none},
    {"FP8", Kind::fp8_tensor, Activations::fixed},
    {"FP8_PER_CHANNEL_PER_TOKEN", Kind::fp8_channel, Activations::dynamic},
    {"FP8_PB_WO", Kind::fp8_block, Activations::none},
    {"MXFP8", Kind::mxfp8, Activations::dynamic},
};

std::optional<Scheme> scheme_named(const std::string& name) {
  for (const Algorithm& a : algorithms)
    if (a.name == name) {
      Scheme s;
      s.kind = a.kind;
      s.names = Names::modelopt;
      s.bits = a.kind == Kind::nvfp4 ? 4 : 8;
      s.activations = a.activations;
      s.label = name;
      return s;
    }
  return std::nullopt;
}

/// The facts that both files state.
struct Facts {
  std::string algorithm;
  std::string kv;
  std::vector<std::string> exclude;
  const json* layers = nullptr;
};

Facts nested_facts(const json& file, Findings& findings) {
  const std::string where = "hf_quant_config.json";
  const json& q = object_at(file, "quantization");
  if (q.empty()) findings.error("V18", where, "there is no object quantization in it");
  const bool nvfp4 = text_at(q, "quant_algo").find("NVFP4") != std::string::npos;
  for (const std::string key : {"quant_algo", "kv_cache_quant_algo", "exclude_modules", "group_size"})
    // Model Optimizer itself leaves group_size out where there are no groups.
    if (!q.empty() && !q.contains(key) && (nvfp4 || key != "group_size"))
      findings.error("V18", where + ": quantization." + key, "missing; vLLM raises, though it may be null");
  return {text_at(q, "quant_algo"), text_at(q, "kv_cache_quant_algo"), strings_at(q, "exclude_modules"),
          &object_at(q, "quantized_layers")};
}

Facts flat_facts(const json& q, Findings& findings) {
  if (!q.contains("quant_algo")) findings.error("V18", "quantization_config.quant_algo", "missing");
  if (!q.contains("ignore") && !q.contains("exclude_modules"))
    findings.error("V18", "quantization_config.ignore", "missing; every linear layer counts as quantized");
  Facts f{text_at(q, "quant_algo"), text_at(q, "kv_cache_quant_algo"), strings_at(q, "ignore"),
          &object_at(q, "quantized_layers")};
  if (f.exclude.empty()) f.exclude = strings_at(q, "exclude_modules");
  const json& kv = object_at(q, "kv_cache_scheme");
  if (f.kv.empty() && !kv.empty()) f.kv = number_at(kv, "num_bits") == 4 ? "NVFP4" : "FP8";
  return f;
}

void compare(const Facts& a, const Facts& b, Findings& findings) {
  const auto differ = [&](const char* what, const std::string& x, const std::string& y) {
    if (x != y)
      findings.error("N-mirror", what,
                     fmt::format("'{}' in config.json, '{}' in hf_quant_config.json", x, y));
  };
  differ("quant_algo", a.algorithm, b.algorithm);
  differ("kv_cache_quant_algo", a.kv, b.kv);
  const std::set<std::string> x(a.exclude.begin(), a.exclude.end()), y(b.exclude.begin(), b.exclude.end());
  for (const std::string& e : x)
    if (y.count(e) == 0) findings.error("N-mirror", e, "ignored in config.json, not in hf_quant_config.json");
  for (const std::string& e : y)
    if (x.count(e) == 0)
      findings.error("N-mirror", e, "excluded in hf_quant_config.json, not in config.json");
}

}  // namespace

void declare_modelopt(const Snapshot& c, const json& q, Declaration& d, Findings& findings) {
  d.method = "modelopt";
  d.matching = Matching::glob;
  d.every_linear = true;
  d.ignore_key = q.empty() ? "exclude_modules" : "ignore";
  // Older releases put the nested form into config.json as well.
  const bool nested_inside = q.contains("quantization");
  Facts facts;
  if (!q.empty()) facts = nested_inside ? nested_facts(q, findings) : flat_facts(q, findings);
  if (c.has_hf_quant_config()) {
    const Facts nested = nested_facts(c.hf_quant_config(), findings);
    if (q.empty()) {
      facts = nested;
      findings.warning("N-mirror", "config.json",
                       "no quantization_config, although hf_quant_config.json has one");
    } else {
      compare(facts, nested, findings);
    }
  } else {
    findings.warning("N-mirror", "hf_quant_config.json",
                     "there is no such file; TensorRT-LLM reads only that");
  }
  d.ignore = facts.exclude;
  d.kv_cache = !facts.kv.empty() && facts.kv != "NONE";
  if (facts.algorithm == "MIXED_PRECISION") {
    d.every_linear = false;
    if (facts.layers->empty())
      findings.error("V18", "quantized_layers", "MIXED_PRECISION needs one entry per layer");
    for (const auto& item : facts.layers->items()) {
      const std::string name = text_at(item.value(), "quant_algo");
      if (const auto s = scheme_named(name))
        d.layers.push_back({*s, {item.key()}});
      else
        findings.error("V18", "quantized_layers." + item.key(),
                       fmt::format("quant_algo '{}' is unknown to engines", name));
    }
    return;
  }
  if (const auto s = scheme_named(facts.algorithm))
    d.groups.push_back({*s, {}});
  else
    findings.error("V18", "quant_algo", fmt::format("'{}' is unknown to vLLM", facts.algorithm));
}

}  // namespace app::check
