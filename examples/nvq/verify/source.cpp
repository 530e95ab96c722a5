// SPDX-License-Identifier: Apache-2.0
#include "source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "layers.hpp"
#include "parallel.hpp"

namespace app::check {

namespace {

using nvq::io::json;

/// Keys that quantizing may change, and those that say who wrote the file.
bool may_change(const std::string& key) {
  static const std::set<std::string> keys = {
      "quantization_config",  "compression_config", "torch_dtype", "dtype",
      "transformers_version", "_name_or_path",      "text_config", "architectures"};
  return keys.count(key) != 0;
}

/// Keys whose loss changes the model; writers leave others out when they have the default.
bool must_stay(const std::string& key) {
  static const std::set<std::string> keys = {
      "vocab_size",          "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
      "num_key_value_heads", "head_dim",    "eos_token_id",      "bos_token_id",      "pad_token_id",
      "tie_word_embeddings", "model_type"};
  return keys.count(key) != 0;
}

void compare_configs(Context& x, const json& ours, const json& theirs) {
  for (const std::string& key : changed_keys(ours, theirs)) {
    if (ours.contains(key))
      x.findings.error(
          "V19", key,
          fmt::format("{} in config.json; the source has {}", ours[key].dump(), theirs[key].dump()));
    else
      x.findings.error("V19", key, fmt::format("missing; the source has {}", theirs[key].dump()));
  }
}

/// Whether the checkpoint has what a tensor of the source became.
bool explained(const Context& x, const Snapshot& source, const std::string& name) {
  if (x.checkpoint.find(name) != nullptr) return true;
  const auto [module, suffix] = split_name(name);
  const auto at = x.modules.find(module);
  if (at != x.modules.end() && (suffix == "weight" || suffix.empty()) && at->second.quantized()) return true;
  if (name.find("rotary_emb.inv_freq") != std::string::npos) return true;
  if (module == "lm_head" && true_at(text_config(x.checkpoint.config()), "tie_word_embeddings")) return true;
  // A quantized source has scales; stacked experts are split.
  if (is_quantization_suffix(suffix) && source.find(module + ".weight") != nullptr) return true;
  const auto experts = name.find(".experts.");
  if (experts == std::string::npos || name.find('.', experts + 9) != std::string::npos) return false;
  const std::string first = name.substr(0, experts) + ".experts.0.", last = name.substr(experts + 9);
  const char* split[3] = {last == "gate_up_proj" ? "gate_proj" : "down_proj",
                          last == "gate_up_proj" ? "w1" : "w2", ""};
  return x.modules.count(first + split[0]) != 0 || x.modules.count(first + split[1]) != 0;
}

void compare_names(Context& x, const Snapshot& source) {
  for (const auto& [name, t] : source.tensors())
    if (!explained(x, source, name))
      x.findings.error(
          "V12", name,
          fmt::format("{} {} in the source", nvq::io::name(t.type), nvq::io::shape_text(t.shape)));
}

/// Tensors that were not quantized are those of the source, or have another dtype.
void compare_plain(Context& x, const Snapshot& source) {
  for (const auto& [name, t] : x.checkpoint.tensors()) {
    const Entry* other = source.find(name);
    if (other == nullptr || !is_float(t.type)) continue;
    if (t.shape != other->shape)
      x.findings.error("N-source", name,
                       fmt::format("{}; the source has {}", nvq::io::shape_text(t.shape),
                                   nvq::io::shape_text(other->shape)));
    else if (t.type == other->type &&
             x.checkpoint.read(t, Reading::codes) != source.read(*other, Reading::codes))
      x.findings.warning("N-source", name, "not quantized, but other bytes than in the source");
  }
}

}  // namespace

std::vector<std::string> changed_keys(const json& ours, const json& theirs) {
  std::vector<std::string> keys;
  for (const auto& item : theirs.items()) {
    if (may_change(item.key())) continue;
    // Writers add the tokenizer's padding token where the model told none; no value of the model depends on it.
    if (item.key() == "pad_token_id" && item.value().is_null()) continue;
    const auto own = ours.find(item.key());
    if (own == ours.end() ? must_stay(item.key()) && !item.value().is_null() : *own != item.value())
      keys.push_back(item.key());
  }
  return keys;
}

SourceSummary check_source(Context& x, const Snapshot& source) {
  SourceSummary summary;
  if (x.checkpoint.has_config() && source.has_config()) {
    compare_configs(x, x.checkpoint.config(), source.config());
    compare_configs(x, object_at(x.checkpoint.config(), "text_config"),
                    object_at(source.config(), "text_config"));
  }
  compare_names(x, source);
  // Methods that fold scales into other layers change those on purpose.
  const bool folds = x.declared.method == "awq";
  if (!folds) compare_plain(x, source);

  std::vector<const Module*> modules;
  for (const auto& [name, m] : x.modules)
    if (m.declared && m.whole && m.quantized()) modules.push_back(&m);
  std::vector<Comparison> results(modules.size());
  Pool pool(x.threads);
  pool.run(static_cast<std::int64_t>(modules.size()), [&](std::int64_t i) {
    const Module& m = *modules[static_cast<std::size_t>(i)];
    results[static_cast<std::size_t>(i)] =
        compare_with_source(x.checkpoint, source, m, folds || m.part("pre_quant_scale") != nullptr);
  });
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Comparison& r = results[i];
    if (!r.done) {
      summary.skipped.push_back(modules[i]->name);
      continue;
    }
    ++summary.compared;
    summary.mean_error += r.error;
    if (r.error >= summary.worst_error) {
      summary.worst_error = r.error;
      summary.worst = modules[i]->name;
    }
    if (!r.rule.empty()) x.findings.error(r.rule, r.subject, r.seen);
  }
  if (summary.compared != 0) summary.mean_error /= static_cast<double>(summary.compared);
  return summary;
}

}  // namespace app::check
