// SPDX-License-Identifier: Apache-2.0
#include "fit/weights.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "codec.hpp"
#include "failure.hpp"
#include "fit/shapes.hpp"
#include "layers.hpp"
#include "plan.hpp"
#include "stored.hpp"

namespace fs = std::filesystem;

namespace app::fit {

namespace {

using nvq::io::part;

class Sums {
 public:
  Sums(const Architecture& a, bool tied) : a_(a), tied_(tied) {}

  ClassBytes& of(const std::string& name) {
    std::string kind(tensor_class(name));
    // Layers after the last one of the model predict further tokens; engines load them for speculation only.
    if (layer_number(name) >= a_.layers) kind = "mtp";
    Traffic traffic = Traffic::every_step;
    if (kind == "experts" && a_.experts != 0) traffic = Traffic::experts;
    if (kind == "vision" || kind == "mtp" || kind == "audio" || (kind == "embedding" && !tied_))
      traffic = Traffic::none;
    ClassBytes& c = classes_[kind];
    c.name = kind;
    c.traffic = traffic;
    return c;
  }

  std::vector<ClassBytes> take() {
    std::vector<ClassBytes> all;
    for (auto& [name, c] : classes_) all.push_back(std::move(c));
    return all;
  }

 private:
  const Architecture& a_;
  bool tied_;
  std::map<std::string, ClassBytes> classes_;
};

void add_kept(Sums& sums, const Tensor& t) {
  ClassBytes& c = sums.of(t.name);
  c.parameters += t.bytes * 8 / nvq::io::bits(t.type);
  c.kept += t.bytes;
}

void add_part(ClassBytes& c, part what, std::int64_t bytes) {
  (what == part::codes || what == part::offset_codes ? c.codes : c.scales) += bytes;
}

/// GPT-OSS names the parts of its experts in its own way.
bool add_blocks(Sums& sums, const Tensor& t) {
  const auto ends = [&](std::string_view suffix) {
    return t.type == nvq::io::dtype::u8 && t.name.size() > suffix.size() &&
           t.name.compare(t.name.size() - suffix.size(), suffix.size(), suffix) == 0;
  };
  if (!ends("_blocks") && !ends("_scales")) return false;
  ClassBytes& c = sums.of(t.name);
  (ends("_blocks") ? c.codes : c.scales) += t.bytes;
  if (ends("_blocks")) c.parameters += t.bytes * 2;
  return true;
}

bool is_mxfp4(const nvq::io::json& config) {
  const auto at = config.find("quantization_config");
  return at != config.end() && at->is_object() && at->value("quant_method", nvq::io::json()) == "mxfp4";
}

void weigh_stored(const Checkpoint& model, Sums& sums, Weights& w) {
  std::map<const Tensor*, part> parts;
  if (model.config().contains("quantization_config") && !is_mxfp4(model.config())) {
    try {
      for (const auto& [module, stored] : stored_weights(model, stored_quantization(model))) {
        ClassBytes& c = sums.of(module + ".weight");
        c.parameters += stored.rows * stored.columns;
        for (const auto& [what, tensor] : stored.parts) {
          add_part(c, what, tensor->bytes / stored.slices);
          parts[tensor] = what;
        }
      }
    } catch (const Failure& f) {
      w.notes.push_back(std::string("codes and scales are not told apart, because ") + f.what());
    }
  }
  for (const Tensor& t : model.tensors()) {
    if (parts.count(&t) == 0 && !add_blocks(sums, t)) add_kept(sums, t);
  }
  for (const Shard& s : model.shards()) w.files += s.file_size;
  w.files = std::max<std::int64_t>(0, w.files - model.total_bytes());
}

void weigh_plan(const Checkpoint& model, const PlanOptions& options, Sums& sums, Weights& w) {
  const Plan plan = make_plan(model, options);
  for (const OutputShard& shard : plan.shards) {
    w.files += static_cast<std::int64_t>(shard.layout.header.size());
    for (const Work& work : shard.work) {
      if (!work.quantized()) {
        if (work.source != nullptr) add_kept(sums, *work.source);
        continue;
      }
      ClassBytes& c = sums.of(work.source->name);
      c.parameters += work.weight.values();
      for (const Output& o : work.outputs) add_part(c, o.what, o.bytes);
    }
  }
  if (plan.shards.size() > 1) w.files += static_cast<std::int64_t>(nvq::io::index_text(plan.index()).size());
  w.notes.insert(w.notes.end(), plan.notes.begin(), plan.notes.end());
}

bool has_head(const Checkpoint& model) {
  return std::any_of(model.tensors().begin(), model.tensors().end(),
                     [](const Tensor& t) { return tensor_class(t.name) == "lm_head"; });
}

}  // namespace

ClassBytes Weights::sum() const {
  ClassBytes all;
  all.name = "all";
  for (const ClassBytes& c : classes) {
    all.parameters += c.parameters;
    all.codes += c.codes;
    all.scales += c.scales;
    all.kept += c.kept;
  }
  return all;
}

double Weights::active_parameters(const Architecture& a) const {
  double sum = 0;
  for (const ClassBytes& c : classes) {
    if (c.traffic == Traffic::every_step) sum += static_cast<double>(c.parameters);
    if (c.traffic == Traffic::experts)
      sum += static_cast<double>(c.parameters) * static_cast<double>(a.active_experts) /
             static_cast<double>(a.experts);
  }
  return sum;
}

double Weights::bytes_per_step(const Architecture& a, std::int64_t batch) const {
  const double chosen =
      a.experts == 0
          ? 1.0
          : 1.0 - std::pow(1.0 - static_cast<double>(a.active_experts) / static_cast<double>(a.experts),
                           static_cast<double>(batch));
  double sum = 0;
  for (const ClassBytes& c : classes) {
    if (c.traffic == Traffic::every_step) sum += static_cast<double>(c.total());
    if (c.traffic == Traffic::experts) sum += static_cast<double>(c.total()) * chosen;
  }
  return sum;
}

Weights weigh(const Checkpoint& model, const Architecture& architecture, const std::string& to,
              const std::string& dialect, const std::vector<std::string>& keep) {
  Weights w;
  w.tied = !has_head(model);
  Sums sums(architecture, w.tied);
  if (to == "source") {
    weigh_stored(model, sums, w);
  } else {
    // Any family will do where nothing is written, and so will any scale of activations.
    PlanOptions options;
    options.family = "llama";
    options.activation_amax = AmaxTable("1");
    RuleOptions rules;
    rules.format = to;
    rules.dialect = dialect;
    rules.keep = keep;
    rules.has_activation_amax = dialect == "modelopt" && to == "fp8";
    options.rules = make_rules(rules);
    weigh_plan(model, options, sums, w);
  }
  w.classes = sums.take();
  return w;
}

Checkpoint open_model(const fs::path& directory, bool& from_config, std::string& note) {
  std::error_code ec;
  const fs::path path = directory / "config.json";
  from_config = fs::exists(path, ec) && !fs::exists(directory / "model.safetensors", ec) &&
                !fs::exists(directory / "model.safetensors.index.json", ec);
  if (!from_config) return Checkpoint(directory);
  nvq::io::json config = unwrap(nvq::io::parse_json(read_text(path, std::int64_t{4} << 20)), path.string());
  if (!config.is_object()) throw Failure(path.string() + ": it is not a JSON object");
  const Architecture a = read_architecture(config, path.string());
  if (config.contains("quantization_config") && !is_mxfp4(config)) {
    config.erase("quantization_config");
    note = "its configuration says that it is stored quantized; these are the shapes of the plain model";
  }
  auto tensors = tensors_of(config, a, path.string());
  return Checkpoint(directory, std::move(config), std::move(tensors));
}

}  // namespace app::fit
