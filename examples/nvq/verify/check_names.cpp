// SPDX-License-Identifier: Apache-2.0
// What is quantized, what is not, and what the lists say of it.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "checks.hpp"
#include "layers.hpp"
#include "name_pattern.hpp"

namespace app::check {

namespace {

bool is_router(const std::string& module) { return kept_because(module) == "router"; }

bool is_expert(const std::string& module) {
  return module.find(".experts.") != std::string::npos ||
         (module.size() > 8 && module.compare(module.size() - 8, 8, ".experts") == 0);
}

bool is_head(const std::string& module) { return kept_because(module) == "output head"; }

std::string_view parent_of(std::string_view module) {
  const auto dot = module.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : module.substr(0, dot);
}

/// A module that engines build as a linear layer, as far as names tell.
bool is_linear_module(const Module& m) {
  const Entry* t = m.plain_weight();
  if (t == nullptr) return false;
  if (is_expert(m.name)) return t->shape.size() == 3 || is_linear(m.name);
  return t->shape.size() == 2 && m.part("weight") == t &&
         (is_linear(m.name) || is_head(m.name) || is_router(m.name));
}

void check_unquantized(Context& x, const Module& m) {
  if (!should_be_quantized(x.declared, m)) return;
  const Entry& t = *m.plain_weight();
  const auto seen = fmt::format("{} {}, not quantized and not in {}", nvq::io::name(t.type),
                                nvq::io::shape_text(t.shape), x.declared.ignore_key);
  if (is_router(m.name))
    x.findings.error("V13", m.name, seen);
  else if (is_expert(m.name))
    x.findings.error("V8", m.name, seen);
  else if (m.name.rfind("mtp.", 0) == 0 || m.name.find(".mtp.") != std::string::npos)
    x.findings.error("V11", m.name, seen);
  else
    x.findings.error("V9", m.name, seen);
}

void check_quantized(Context& x, const Module& m) {
  if (x.declared.ignored(m.name)) {
    for (const auto& [suffix, t] : m.parts)
      if (is_quantization_suffix(suffix))
        x.findings.error("V10", t->name, fmt::format("{} has the module", x.declared.ignore_key));
    return;
  }
  if (!m.declared) {
    if (!x.declared.groups.empty() || !x.declared.layers.empty())
      x.findings.error("V9", m.name,
                       "it has quantization tensors, but no target of the configuration means it");
    return;
  }
  if (is_router(m.name)) x.findings.error("V13", m.name, "it is quantized");
  const bool mtp = m.name.rfind("mtp.", 0) == 0 || m.name.find(".mtp.") != std::string::npos;
  const bool lm_head_declared = true_at(object_at(x.checkpoint.config(), "quantization_config"), "lm_head");
  if ((is_head(m.name) && !lm_head_declared) || m.name.find("embed_tokens") != std::string::npos ||
      (mtp && x.declared.method != "fp8"))
    x.findings.warning("V11", m.name, fmt::format("quantized as {}", m.declared->label));
  const bool four_bits = m.declared->bits == 4;
  const nvq::io::json& text = text_config(x.checkpoint.config());
  if (four_bits && leaf(m.name) == "q_proj" && true_at(text, "attn_output_gate"))
    x.findings.warning("V23", m.name,
                       fmt::format("quantized as {}; it also computes the output gate", m.declared->label));
  static const std::set<std::string_view> fused = {"qkv_proj", "gate_up_proj", "query_key_value",
                                                   "in_proj_qkvz", "Wqkv"};
  if (fused.count(leaf(m.name)) != 0 &&
      (m.declared->kind == Kind::nvfp4 || m.declared->kind == Kind::fp8_tensor))
    x.findings.warning("V21", m.name,
                       fmt::format("stored fused as {}, with one tensor scale", m.declared->label));
}

void check_closure(Context& x) {
  std::map<std::string, std::vector<const Module*>> groups;
  for (const auto& [name, m] : x.modules)
    if (is_linear(name) && (m.quantized() || m.plain_weight() != nullptr))
      groups[fusion_key(name)].push_back(&m);
  for (const auto& [key, members] : groups) {
    const auto quantized = [](const Module* m) { return m->quantized(); };
    if (std::all_of(members.begin(), members.end(), quantized) ||
        std::none_of(members.begin(), members.end(), quantized))
      continue;
    for (const Module* m : members)
      if (!m->quantized())
        x.findings.error("V9", m->name, "it is not quantized, but the layers that engines fuse it with are");
  }
}

void check_entries(Context& x) {
  std::set<std::string> names;  // modules and all that contain them
  for (const auto& [name, m] : x.modules)
    for (std::size_t end = name.size(); end != std::string::npos && end != 0; end = name.rfind('.', end - 1))
      names.insert(name.substr(0, end));
  for (const std::string& entry : x.declared.ignore) {
    if (is_class_name(entry)) continue;
    const bool hit = std::any_of(names.begin(), names.end(), [&](const std::string& n) {
      return matches(x.declared.matching, entry, n);
    });
    // Tied heads have no tensor; exporters list them nonetheless.
    const bool usual = kept_because(entry) == "output head" || entry.find("lm_head") != std::string::npos;
    const bool pattern = entry.find_first_of("*?[") != std::string::npos || entry.rfind("re:", 0) == 0;
    // bitsandbytes lists modules of families that the model may not belong to.
    if (x.declared.method == "bitsandbytes") continue;
    if (const std::string why = entry.rfind("re:", 0) == 0 ? refusal_of_pattern(entry.substr(3)) : "";
        !why.empty()) {
      x.findings.warning(
          "V9", entry,
          fmt::format("{} has this pattern, which is not matched here: {}", x.declared.ignore_key, why));
      continue;
    }
    if (!hit && !usual && !pattern)
      x.findings.error("V9", entry,
                       fmt::format("{} names it, but there is no such module", x.declared.ignore_key));
    else if (!hit && !usual && x.declared.method != "mxfp4")
      x.findings.warning("V9", entry,
                         fmt::format("{} has this pattern, which matches no module", x.declared.ignore_key));
    if (x.declared.matching != Matching::glob || pattern) continue;
    // vLLM leaves out whatever contains an entry as a substring.
    for (const auto& [name, m] : x.modules)
      if (m.quantized() && m.declared && name.find(entry) != std::string::npos &&
          !matches(Matching::glob, entry, name)) {
        x.findings.error(
            "V9", entry,
            fmt::format("vLLM takes it as a substring, and so leaves out {}, which is quantized", name));
        break;
      }
  }
}

void check_tied(Context& x) {
  const nvq::io::json& config = text_config(x.checkpoint.config());
  if (!config.contains("tie_word_embeddings") || !config["tie_word_embeddings"].is_boolean()) return;
  const bool tied = config["tie_word_embeddings"].get<bool>();
  const bool embedding = x.modules.count("model.embed_tokens") != 0, head = x.modules.count("lm_head") != 0;
  if (!tied && embedding && !head)
    x.findings.error("V11", "lm_head.weight", "missing, although tie_word_embeddings is false");
  if (tied && head && x.modules.at("lm_head").quantized())
    x.findings.error("V11", "lm_head",
                     "quantized, although tie_word_embeddings is true: engines take the embedding instead");
}

}  // namespace

bool should_be_quantized(const Declaration& d, const Module& m) {
  if (!m.declared || !is_linear_module(m)) return false;
  // Stacked experts are parameters: lists have the name of the module that holds them.
  if (m.plain_weight()->shape.size() == 3 && d.ignored(parent_of(m.name))) return false;
  if (d.every_linear || !d.layers.empty()) return true;
  if (d.experts_only) return is_expert(m.name);
  // Loaders of these methods look at the tensors instead.
  if (d.method == "gptq" || d.method == "awq") return false;
  return is_linear(m.name) && kept_because(m.name).empty();
}

void check_names(Context& x) {
  const bool declared = !x.declared.groups.empty() || !x.declared.layers.empty();
  for (const auto& [name, m] : x.modules) {
    if (m.quantized())
      check_quantized(x, m);
    else if (declared)
      check_unquantized(x, m);
  }
  if (x.declared.method.empty()) {
    for (const auto& [name, m] : x.modules)
      if (m.quantized())
        x.findings.error("N-config", name,
                         "it has quantization tensors, but the configuration declares no quantization");
  }
  if (declared) {
    check_closure(x);
    check_entries(x);
  }
  check_tied(x);
}

void check_skip_list(Context& x) {
  if ((x.declared.method != "gptq" && x.declared.method != "awq") || !x.declared.ignore.empty()) return;
  for (const auto& [name, m] : x.modules) {
    if (m.part("qweight") != nullptr) continue;
    for (const auto& [suffix, t] : m.parts)
      if (t->type != nvq::io::dtype::f16 && t->type != nvq::io::dtype::bf16 && t->type != nvq::io::dtype::f32)
        x.findings.error(
            "V24", t->name,
            fmt::format("{} in a module that is not quantized, and no skip list", nvq::io::name(t->type)));
  }
}

void check_experts(Context& x) {
  // family -> numbers of the experts that have it; parent -> all numbers
  std::map<std::string, std::set<std::int64_t>> families, parents;
  for (const auto& [name, m] : x.modules)
    if (const auto e = expert_name(name)) {
      families[e->family].insert(e->number);
      parents[e->family.substr(0, e->family.find('*'))].insert(e->number);
    }
  const nvq::io::json& config = text_config(x.checkpoint.config());
  std::int64_t declared = 0;
  for (const char* key : {"num_experts", "num_local_experts", "n_routed_experts"})
    if (declared == 0) declared = number_at(config, key);
  for (auto& [parent, numbers] : parents)
    for (std::int64_t i = 0; i < std::min<std::int64_t>(declared, 100000); ++i) numbers.insert(i);
  for (const auto& [family, numbers] : families) {
    const auto star = family.find('*');
    for (const std::int64_t n : parents[family.substr(0, star)])
      if (numbers.count(n) == 0)
        x.findings.error("V2", family.substr(0, star) + std::to_string(n) + family.substr(star + 1),
                         fmt::format("this expert has no such weight; {} experts have", numbers.size()));
  }
}

}  // namespace app::check
