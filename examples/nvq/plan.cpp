// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "activation_scales.hpp"
#include "codec.hpp"
#include "failure.hpp"
#include "family.hpp"
#include "layers.hpp"
#include "selection.hpp"
#include "version.hpp"

namespace app {

namespace {

using nvq::io::activation_kind;
using nvq::io::dialect;
using nvq::io::dtype;

/// Engines take an entry of most dialects' lists for a substring or a prefix: "mlp.gate" would then also
/// exclude "mlp.gate_proj".
void check_substrings(const nvq::io::quantization& q, const std::map<std::string, int>& chosen) {
  if (q.owner == dialect::compressed_tensors) return;
  for (const std::string& entry : q.ignore)
    for (const auto& [module, treatment] : chosen)
      if (module.find(entry) != std::string::npos)
        throw Failure(
            fmt::format("engines that read the {} dialect would take the unquantized '{}' for '{}' as well; "
                        "use --dialect compressed-tensors, or --keep '{}'",
                        nvq::io::name(q.owner), entry, module, module));
}

/// The type of wide scales: the model's, so that loaders that convert them to it change nothing. But an 8-bit
/// format's F16 scales would often be subnormal, some recipes are defined for F32 only, and most dialects
/// leave no choice. bitsandbytes tells the type of the weights themselves.
dtype wide_type(dtype weights, const Treatment& t) {
  using nvq::io::weight_kind;
  switch (t.scheme.owner) {
    case dialect::compressed_tensors:
      break;
    case dialect::gptq:
    case dialect::gptq_v2:
    case dialect::awq:
      return dtype::f16;
    case dialect::bitsandbytes:
      return weights;
    default:
      return dtype::f32;
  }
  const bool int4 = t.scheme.kind == weight_kind::int4_group || t.scheme.kind == weight_kind::int4_channel;
  const bool narrow = weights == dtype::bf16 || (weights == dtype::f16 && int4);
  return narrow && has_recipe(t.scheme, weights, t.recipe) ? weights : dtype::f32;
}

Work copied(const Tensor& t) {
  Work w;
  w.source = &t;
  w.outputs.push_back({t.name, t.type, t.shape, {}, 0, 0});
  return w;
}

Work quantized(const WeightSource& weight, int treatment, const Treatment& how) {
  Work w;
  w.source = weight.tensor;
  w.weight = weight;
  w.treatment = treatment;
  w.wide = wide_type(weight.tensor->type, how);
  for (nvq::io::stored_part& p : nvq::io::parts(how.scheme, weight.rows, weight.columns, w.wide)) {
    if (weight.slices > 1) p.shape.insert(p.shape.begin(), weight.slices);
    w.outputs.push_back({weight.module + p.suffix, p.type, std::move(p.shape), p.what, 0, 0});
  }
  return w;
}

/// Lays the shard's file out and tells every output its place.
void place(OutputShard& shard, const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::vector<nvq::io::tensor_spec> specs;
  for (const Work& w : shard.work)
    if (w.weight.slice == 0)
      for (const Output& o : w.outputs) specs.push_back({o.name, o.type, o.shape});
  shard.layout = unwrap(nvq::io::plan_safetensors(std::move(specs), metadata), shard.name);
  std::unordered_map<std::string_view, const nvq::io::tensor_entry*> at;
  for (const nvq::io::tensor_entry& t : shard.layout.tensors) at[t.name] = &t;
  for (Work& w : shard.work)
    for (Output& o : w.outputs) {
      const nvq::io::tensor_entry& t = *at[o.name];
      o.bytes = t.bytes() / w.weight.slices;
      o.offset = static_cast<std::int64_t>(shard.layout.header.size()) + t.begin + w.weight.slice * o.bytes;
    }
}

/// Fills a plan, tensor by tensor.
class Planner {
 public:
  Planner(const Checkpoint& source, const PlanOptions& options, Plan& plan)
      : source_(source), options_(options), plan_(plan), selection_(source, options) {
    plan_.notes = selection_.notes();
    if (!selection_.chosen().empty()) return;
    std::string why =
        source.directory().string() + ": there is no linear layer in it that can be quantized so";
    if (options.rules.dialect == dialect::gpt_oss)
      why +=
          "; the dialect gpt-oss stores experts in stacks and nothing else, use another one for other models";
    for (const std::string& note : plan_.notes) why += "; " + note;
    throw Failure(why);
  }

  void run() {
    find_input_amaxes();
    if (options_.kv_amax.given()) kv_ = kv_scales(source_, options_.rules.dialect, options_.kv_amax);
    const std::size_t count = source_.shards().size();
    for (std::size_t i = 0; i < count; ++i)
      plan_.shards.push_back(
          {count == 1 ? "model.safetensors" : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, count),
           {},
           {}});
    for (const Tensor& t : source_.tensors()) add(t);
    for (OutputShard& s : plan_.shards) {
      place(s, options_.metadata);
      for (const Work& w : s.work)
        for (const Output& o : w.outputs) {
          plan_.total_bytes += o.bytes;
          if (w.quantized()) plan_.quantized_bytes += o.bytes;
        }
    }
    describe();
  }

 private:
  void find_input_amaxes() {
    std::vector<std::string> modules;
    for (const auto& [module, treatment] : selection_.chosen())
      if (plan_.rules.treatments[static_cast<std::size_t>(treatment)].scheme.activations ==
          activation_kind::calibrated)
        modules.push_back(module);
    if (!modules.empty()) input_amax_ = input_amaxes(modules, options_.activation_amax, plan_.notes);
  }

  void add(const Tensor& t) {
    std::vector<Work>& works = plan_.shards[static_cast<std::size_t>(t.shard)].work;
    const std::vector<WeightSource>& weights = selection_.quantized(t);
    if (weights.empty()) {
      works.push_back(copied(t));
      ++plan_.kept;
    }
    for (const WeightSource& weight : weights) {
      const int treatment = selection_.treatment(weight.module);
      Work w = quantized(weight, treatment, plan_.rules.treatments[static_cast<std::size_t>(treatment)]);
      w.group = group_of(weight);
      const auto amax = input_amax_.find(weight.module);
      if (amax != input_amax_.end()) w.input_amax = amax->second;
      ++plan_.quantized;
      plan_.quantized_values += weight.values();
      works.push_back(std::move(w));
    }
    for (; next_kv_ < kv_.size() && kv_[next_kv_].after == &t; ++next_kv_) {
      Work w;
      w.constant = kv_[next_kv_].value;
      w.outputs.push_back(kv_[next_kv_].output);
      works.push_back(std::move(w));
    }
  }

  int group_of(const WeightSource& weight) {
    const std::string key =
        fusion_key(weight.module) + (weight.slices > 1 ? "#" + std::to_string(weight.slice) : "");
    const auto [at, fresh] = groups_.emplace(key, static_cast<int>(plan_.groups.size()));
    if (fresh) plan_.groups.emplace_back();
    plan_.groups[static_cast<std::size_t>(at->second)].members.push_back(weight);
    return at->second;
  }

  /// The treatment of most modules comes first, and stands for whatever no other names.
  void describe() {
    nvq::io::quantization& q = plan_.description;
    q.owner = options_.rules.dialect;
    q.ignore = selection_.ignored();
    q.fp8_kv_cache = options_.kv_amax.given();
    q.version = version_text();
    std::vector<nvq::io::scheme_use> uses;
    for (const auto& [module, treatment] : selection_.chosen()) {
      const auto& scheme = plan_.rules.treatments[static_cast<std::size_t>(treatment)].scheme;
      auto use = std::find_if(uses.begin(), uses.end(), [&](const auto& u) { return u.scheme == scheme; });
      if (use == uses.end()) use = uses.insert(use, {scheme, {}});
      use->targets.push_back(module);
    }
    std::stable_sort(uses.begin(), uses.end(),
                     [](const auto& a, const auto& b) { return a.targets.size() > b.targets.size(); });
    const bool names_all = uses.size() > 1 && q.owner == dialect::modelopt;
    if (!names_all) uses.front().targets.clear();
    q.uses = std::move(uses);
    check_substrings(q, selection_.chosen());
  }

  const Checkpoint& source_;
  const PlanOptions& options_;
  Plan& plan_;
  Selection selection_;
  std::map<std::string, float> input_amax_;
  std::vector<KvScale> kv_;
  std::size_t next_kv_ = 0;
  std::unordered_map<std::string, int> groups_;
};

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
  check_family(source.config(), options.family, (source.directory() / "config.json").string());
  Plan plan;
  plan.rules = options.rules;
  Planner(source, options, plan).run();
  return plan;
}

}  // namespace app
