// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "codec.hpp"
#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::dtype;

bool is_wide(dtype t) { return t == dtype::f32 || t == dtype::f16 || t == dtype::bf16; }

/// A value of the configuration, which multimodal models keep in text_config.
bool config_flag(const nvq::io::json& config, const char* key) {
  for (const nvq::io::json* c : {&config, config.contains("text_config") ? &config["text_config"] : nullptr})
    if (c != nullptr && c->is_object() && c->contains(key) && (*c)[key] == true) return true;
  return false;
}

/// The number at a key of the configuration, or of its text_config; -1 when there is none.
std::int64_t config_number(const nvq::io::json& config, const char* key) {
  for (const nvq::io::json* c : {&config, config.contains("text_config") ? &config["text_config"] : nullptr})
    if (c != nullptr && c->is_object() && c->contains(key) && (*c)[key].is_number_integer())
      return (*c)[key].get<std::int64_t>();
  return -1;
}

/// Decides module by module. Keeps the reasons, so that they can be told once and not per tensor.
class Selection {
 public:
  Selection(const Checkpoint& source, const PlanOptions& options) : options_(options) {
    layers_ = config_number(source.config(), "num_hidden_layers");
    output_gate_ = config_flag(source.config(), "attn_output_gate");
    std::string module;
    for (const Tensor& t : source.tensors()) {
      if (!is_weight(t.name, module)) {
        if (t.shape.size() == 3 && closure_key(t.name).back() == '*') stacked_experts_ += t.bytes;
        continue;
      }
      const std::string why = kept_because(t, module, source);
      if (why.empty()) {
        chosen_.insert(module);
      } else if (is_linear(module)) {
        blocked_.emplace(closure_key(module), why);
      }
    }
    for (auto it = chosen_.begin(); it != chosen_.end();)
      it = blocked_.count(closure_key(*it)) != 0 ? chosen_.erase(it) : std::next(it);
  }

  bool quantizes(const std::string& module) const { return chosen_.count(module) != 0; }
  const std::set<std::string>& chosen() const { return chosen_; }

  std::vector<std::string> notes() const {
    std::vector<std::string> all;
    for (const auto& [why, example] : told_) all.push_back(why + " (such as " + example + ")");
    if (stacked_experts_ != 0)
      all.push_back(
          fmt::format("kept {:.1f} MB of experts stored as 3-D tensors, which this version does not split",
                      static_cast<double>(stacked_experts_) / 1e6));
    return all;
  }

 private:
  std::string kept_because(const Tensor& t, const std::string& module, const Checkpoint& source) {
    const std::string_view rule = app::kept_because(module);
    if (!rule.empty()) return std::string(rule);
    // DeepSeek and its kin number their multi-token prediction after the last layer of the model.
    if (layers_ >= 0 && layer_number(module) >= layers_) return "multi-token prediction";
    for (const std::string& pattern : options_.keep)
      if (glob(pattern, module)) return "--keep " + pattern;
    if (!is_linear(module)) {
      const std::string_view kind = tensor_class(module);
      if (t.shape.size() == 2 && kind != "norm" && kind != "embedding")
        tell("kept weights of a kind unknown here", module);
      return "not a known linear layer";
    }
    if (!is_wide(t.type))
      throw Failure(fmt::format("{}: tensor '{}' is {}; weights must be F32, F16 or BF16 to be quantized",
                                source.shards()[static_cast<std::size_t>(t.shard)].path.string(), t.name,
                                nvq::io::name(t.type)));
    if (t.shape.size() != 2 || t.shape[0] == 0 || t.shape[1] == 0) return "not a matrix";
    if (output_gate_ && fusion_key(module).find("q_proj") != std::string::npos) {
      tell("kept attention inputs, because attn_output_gate makes them sensitive", module);
      return "attention output gate";
    }
    const int columns = nvq::io::column_multiple(options_.scheme),
              rows = nvq::io::row_multiple(options_.scheme);
    if (t.shape[1] % columns != 0 || t.shape[0] % rows != 0) {
      tell(fmt::format("kept weights (and those fused with them) whose shape is no multiple of {} x {}", rows,
                       columns),
           module);
      return "shape";
    }
    if (leaf(module) == "qkv_proj" || leaf(module) == "gate_up_proj")
      tell(
          "quantized layers that the source stores fused, each with one scale; not every engine version "
          "reads those",
          module);
    return {};
  }

  void tell(const std::string& why, const std::string& example) { told_.emplace(why, example); }

  const PlanOptions& options_;
  std::int64_t layers_ = -1;
  bool output_gate_ = false;
  std::set<std::string> chosen_;
  std::map<std::string, std::string> blocked_;  ///< closure key to reason
  std::map<std::string, std::string> told_;
  std::int64_t stacked_experts_ = 0;
};

/// Modules that are not quantized although their weights are matrices. Norms never are. Embeddings are told
/// to readers of compressed-tensors, whose converter takes every matrix for a linear layer; modelopt's own
/// exporter leaves them out.
std::vector<std::string> ignored_modules(const Checkpoint& source, const Selection& selection,
                                         nvq::io::dialect dialect) {
  std::vector<std::string> ignore;
  std::string module;
  for (const Tensor& t : source.tensors()) {
    if (t.shape.size() < 2 || !is_weight(t.name, module) || selection.quantizes(module)) continue;
    const std::string_view kind = tensor_class(module);
    if (kind == "norm" || (kind == "embedding" && dialect == nvq::io::dialect::modelopt)) continue;
    ignore.push_back(module);
  }
  return ignore;
}

/// Some engines take an entry of the modelopt list for a substring: "mlp.gate" would then also exclude
/// "mlp.gate_proj".
void check_substrings(const std::vector<std::string>& ignore, const std::set<std::string>& chosen) {
  for (const std::string& entry : ignore)
    for (const std::string& module : chosen)
      if (module.find(entry) != std::string::npos)
        throw Failure(
            fmt::format("engines that read the modelopt dialect would take the unquantized '{}' for '{}' as "
                        "well; use --dialect compressed-tensors, or --keep '{}'",
                        entry, module, module));
}

/// The type of wide scales: the model's, so that loaders that convert them to it change nothing. But an 8-bit
/// format's F16 scales would often be subnormal, some recipes are defined for F32 only, and modelopt's are
/// always F32.
dtype wide_type(dtype weights, const nvq::io::weight_scheme& scheme, const std::string& recipe) {
  using nvq::io::weight_kind;
  if (scheme.owner == nvq::io::dialect::modelopt) return dtype::f32;
  const bool int4 = scheme.kind == weight_kind::int4_group || scheme.kind == weight_kind::int4_channel;
  const bool narrow = weights == dtype::bf16 || (weights == dtype::f16 && int4);
  return narrow && has_recipe(scheme, weights, recipe) ? weights : dtype::f32;
}

Work plan_tensor(const Tensor& t, const Selection& selection, const PlanOptions& options) {
  Work w;
  w.source = &t;
  std::string module;
  if (!is_weight(t.name, module) || !selection.quantizes(module)) {
    w.outputs.push_back({t.name, t.type, t.shape, {}, 0, t.bytes});
    return w;
  }
  w.quantize = true;
  w.wide = wide_type(t.type, options.scheme, options.recipe);
  for (nvq::io::stored_part& p : nvq::io::parts(options.scheme, t.shape[0], t.shape[1], w.wide))
    w.outputs.push_back({module + '.' + p.suffix, p.type, std::move(p.shape), p.what, 0, 0});
  return w;
}

/// Lays the shard's file out and tells every output its place.
void place(OutputShard& shard, const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::vector<nvq::io::tensor_spec> specs;
  for (const Work& w : shard.work)
    for (const Output& o : w.outputs) specs.push_back({o.name, o.type, o.shape});
  shard.layout = unwrap(nvq::io::plan_safetensors(std::move(specs), metadata), shard.name);
  std::unordered_map<std::string_view, const nvq::io::tensor_entry*> at;
  for (const nvq::io::tensor_entry& t : shard.layout.tensors) at[t.name] = &t;
  for (Work& w : shard.work)
    for (Output& o : w.outputs) {
      const nvq::io::tensor_entry& t = *at[o.name];
      o.offset = static_cast<std::int64_t>(shard.layout.header.size()) + t.begin;
      o.bytes = t.bytes();
    }
}

}  // namespace

nvq::io::shard_index Plan::index() const {
  nvq::io::shard_index index;
  index.total_size = total_bytes;
  for (const OutputShard& s : shards)
    for (const nvq::io::tensor_entry& t : s.layout.tensors) index.weight_map[t.name] = s.name;
  return index;
}

Plan make_plan(const Checkpoint& source, const PlanOptions& options) {
  const std::string where = source.directory().string();
  if (source.config().contains("quantization_config"))
    throw Failure(
        where +
        ": it is quantized already (config.json has a quantization_config); start from the original model");

  const Selection selection(source, options);
  Plan plan;
  plan.scheme = options.scheme;
  plan.notes = selection.notes();
  if (selection.chosen().empty()) {
    std::string why = where + ": there is no linear layer in it that this format can quantize";
    for (const std::string& note : plan.notes) why += "; " + note;
    throw Failure(why);
  }
  plan.ignore = ignored_modules(source, selection, options.scheme.owner);
  if (options.scheme.owner == nvq::io::dialect::modelopt) check_substrings(plan.ignore, selection.chosen());

  const std::size_t count = source.shards().size();
  for (std::size_t i = 0; i < count; ++i)
    plan.shards.push_back(
        {count == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, count),
         {},
         {}});

  std::unordered_map<std::string, int> group_of;
  for (const Tensor& t : source.tensors()) {
    Work w = plan_tensor(t, selection, options);
    if (w.quantize) {
      const std::string module = t.name.substr(0, t.name.rfind('.'));
      const auto [at, fresh] = group_of.emplace(fusion_key(module), static_cast<int>(plan.groups.size()));
      if (fresh) plan.groups.emplace_back();
      w.group = at->second;
      plan.groups[static_cast<std::size_t>(w.group)].members.push_back(&t);
      ++plan.quantized;
      plan.quantized_values += t.shape[0] * t.shape[1];
    } else {
      ++plan.kept;
    }
    plan.shards[static_cast<std::size_t>(t.shard)].work.push_back(std::move(w));
  }
  for (OutputShard& s : plan.shards) {
    place(s, options.metadata);
    for (const Work& w : s.work)
      for (const Output& o : w.outputs) {
        plan.total_bytes += o.bytes;
        if (w.quantize) plan.quantized_bytes += o.bytes;
      }
  }
  return plan;
}

}  // namespace app
