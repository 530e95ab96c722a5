// SPDX-License-Identifier: Apache-2.0
#include "selection.hpp"

#include <fmt/format.h>

#include <utility>

#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::dialect;
using nvq::io::dtype;

bool is_wide(dtype t) { return t == dtype::f32 || t == dtype::f16 || t == dtype::bf16; }

bool is_stack(const Tensor& t) { return t.shape.size() == 3 && closure_key(t.name).back() == '*'; }

}  // namespace

Selection::Selection(const Checkpoint& source, const PlanOptions& options)
    : source_(source), options_(options) {
  layers_ = config_number(source.config(), "num_hidden_layers");
  const nvq::io::json* gate = config_value(source.config(), "attn_output_gate");
  output_gate_ = gate != nullptr && *gate == true;
  const Stacks stacks = options.rules.dialect == dialect::gpt_oss ? Stacks::whole : Stacks::split;
  for (const Tensor& t : source.tensors()) {
    std::string why_not;
    std::vector<WeightSource> matrices = weight_sources(t, source.config(), stacks, why_not);
    if (matrices.empty() && is_stack(t))
      tell("kept experts stored as 3-D tensors" + (why_not.empty() ? "" : ": " + why_not), t.name);
    for (const WeightSource& w : matrices) consider(w);
    if (!matrices.empty()) matrices_.emplace(&t, std::move(matrices));
  }
  // Partners are decided together.
  std::map<std::string, std::pair<std::string, int>> first_of;
  for (auto it = chosen_.begin(); it != chosen_.end();) {
    const std::string key = closure_key(it->first);
    if (blocked_.count(key) != 0) {
      it = chosen_.erase(it);
      continue;
    }
    const auto [at, fresh] = first_of.emplace(key, *it);
    if (at->second.second != it->second)
      throw Failure(fmt::format(
          "the rules '{}' and '{}' quantize '{}' and '{}' differently, but engines fuse these two",
          options.rules.find(at->second.first).text, options.rules.find(it->first).text, at->second.first,
          it->first));
    ++it;
  }
}

void Selection::consider(const WeightSource& w) {
  const Rule& rule = options_.rules.find(w.module);
  const std::string why = kept_because(w, rule);
  if (why.empty())
    chosen_.emplace(w.module, rule.treatment);
  else if (rule.force || is_linear(w.module))
    blocked_.emplace(closure_key(w.module), why);
}

std::string Selection::kept_because(const WeightSource& w, const Rule& rule) {
  const Tensor& t = *w.tensor;
  const std::string& module = w.module;
  if (!rule.force) {
    if (const std::string_view usual = app::kept_because(module); !usual.empty()) return std::string(usual);
    // DeepSeek and its kin number their multi-token prediction after the last layer of the model.
    if (layers_ >= 0 && layer_number(module) >= layers_) return "multi-token prediction";
  }
  if (rule.treatment < 0) return rule.text;
  if (!rule.force && !is_linear(module)) {
    const std::string_view kind = tensor_class(module);
    if (t.shape.size() == 2 && kind != "norm" && kind != "embedding")
      tell("kept weights of a kind unknown here", module);
    return "not a known linear layer";
  }
  if (!is_wide(t.type))
    throw Failure(fmt::format("{}: tensor '{}' is {}; weights must be F32, F16 or BF16 to be quantized",
                              source_.shards()[static_cast<std::size_t>(t.shard)].path.string(), t.name,
                              nvq::io::name(t.type)));
  if (w.rows == 0 || w.columns == 0) return "not a matrix";
  const nvq::io::weight_scheme& scheme =
      options_.rules.treatments[static_cast<std::size_t>(rule.treatment)].scheme;
  if (scheme.owner == dialect::gpt_oss && w.slices == 1) return "the dialect gpt-oss has experts only";
  if (!rule.force && output_gate_ && fusion_key(module).find("q_proj") != std::string::npos) {
    tell("kept attention inputs, because attn_output_gate makes them sensitive", module);
    return "attention output gate";
  }
  const int columns = nvq::io::column_multiple(scheme), rows = nvq::io::row_multiple(scheme);
  if (w.columns % columns != 0 || w.rows % rows != 0) {
    tell(fmt::format("kept weights (and those fused with them) whose shape is no multiple of {} x {}", rows,
                     columns),
         module);
    return "shape";
  }
  if (w.slices == 1 && (leaf(module) == "qkv_proj" || leaf(module) == "gate_up_proj"))
    tell(
        "quantized layers that the source stores fused, each with one scale; not every engine version "
        "reads those",
        module);
  return {};
}

const std::vector<WeightSource>& Selection::quantized(const Tensor& t) const {
  static const std::vector<WeightSource> none;
  const auto at = matrices_.find(&t);
  if (at == matrices_.end() || chosen_.count(at->second.front().module) == 0) return none;
  return at->second;
}

/// Norms never are quantized. Embeddings are told to readers of compressed-tensors, whose converter takes
/// every matrix for a linear layer; others' exporters leave them out.
std::vector<std::string> Selection::ignored() const {
  std::vector<std::string> ignore;
  std::string module;
  for (const Tensor& t : source_.tensors()) {
    if (is_stack(t) && quantized(t).empty()) {
      module = t.name.substr(0, t.name.rfind('.'));
      if (ignore.empty() || ignore.back() != module) ignore.push_back(module);
      continue;
    }
    if (t.shape.size() < 2 || !is_weight(t.name, module) || chosen_.count(module) != 0) continue;
    const std::string_view kind = tensor_class(module);
    if (kind == "norm" || (kind == "embedding" && options_.rules.dialect != dialect::compressed_tensors))
      continue;
    ignore.push_back(module);
  }
  return ignore;
}

bool Selection::matches(const std::string& pattern) const {
  std::string module;
  for (const Tensor& t : source_.tensors())
    if (is_weight(t.name, module) && glob(pattern, module)) return true;
  for (const auto& [tensor, weights] : matrices_)
    for (const WeightSource& w : weights)
      if (glob(pattern, w.module)) return true;
  return false;
}

std::vector<std::string> Selection::notes() const {
  std::vector<std::string> all;
  for (const auto& [why, example] : told_) all.push_back(why + " (such as " + example + ")");
  for (const Rule& rule : options_.rules.rules)
    if (rule.text.rfind("--keep ", 0) == 0 && !matches(rule.pattern))
      all.push_back(rule.text + " is the name of nothing in this model");
  return all;
}

}  // namespace app
