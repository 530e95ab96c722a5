// SPDX-License-Identifier: Apache-2.0
#include "convert/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nvq/io/dialect_json.hpp>
#include <set>

#include "codec.hpp"
#include "convert/describe.hpp"
#include "convert/experts.hpp"
#include "convert/kv_cache.hpp"
#include "failure.hpp"
#include "layers.hpp"
#include "name_pattern.hpp"

namespace app {

namespace {

using nvq::io::activation_kind;
using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::json;
using nvq::io::part;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;

constexpr const char* instead =
    ". It takes another quantization: of the original model, or `nvq dequantize` and then `nvq quantize`, "
    "which rounds twice";

bool is_gptq(dialect d) { return d == dialect::gptq || d == dialect::gptq_v2; }

class Planner {
 public:
  Planner(const Checkpoint& source, const nvq::io::quantization& before, dialect to,
          const ConvertOptions& options, ConvertPlan& plan)
      : source_(source),
        before_(before),
        to_(to),
        options_(options),
        plan_(plan),
        undo_(source, to),
        maker_(source, undo_, notes_, plan.counts) {}

  void run() {
    plan_.weights = stored_weights(source_, before_);
    if (plan_.weights.empty())
      throw Failure(source_.directory().string() +
                    ": there is no weight in it that is quantized as its configuration says");
    choose_schemes();
    check_kv_cache(source_, before_, to_);
    for (const auto& [module, w] : plan_.weights) check_integers(w, schemes_.at(module));
    check_companions();
    for (std::size_t s = 0; s < source_.shards().size(); ++s)
      plan_.shards.push_back({static_cast<int>(s), source_.shards()[s].path.filename().string(), {}, {}});
    std::set<const Tensor*> consumed;
    const auto add = [this](int shard, Piece p) { put(shard, std::move(p)); };
    for (const auto& [module, w] : plan_.weights) {
      for (const auto& [what, tensor] : w.parts) consumed.insert(tensor);
      if (to_ != dialect::gpt_oss) maker_.make(w, schemes_.at(module), add);
      ++plan_.converted;
    }
    if (to_ == dialect::gpt_oss) stack_experts(source_, plan_.weights, add, consumed);
    for (const Tensor& t : source_.tensors())
      if (consumed.count(&t) == 0) keep(t);
    plan_.shards.erase(std::remove_if(plan_.shards.begin(), plan_.shards.end(),
                                      [](const ConvertedShard& s) { return s.pieces.empty(); }),
                       plan_.shards.end());
    configure();
    lay_out();
    tell();
  }

 private:
  [[noreturn]] void refuse(const std::string& module, const std::string& why) const {
    // Nor does it help to quantize GPT-OSS into another dialect.
    throw Failure(fmt::format("{}: '{}' cannot be converted to {}: {}{}", source_.directory().string(),
                              module, nvq::io::name(to_), why,
                              before_.owner == dialect::gpt_oss ? "" : instead));
  }

  void put(int shard, Piece p) {
    plan_.shards[static_cast<std::size_t>(shard)].pieces.push_back(std::move(p));
  }

  weight_scheme scheme_of(const StoredWeight& w) const {
    auto to = converted_scheme(w.scheme, to_);
    if (!options_.activations.empty() && w.scheme.activations != activation_kind::calibrated) {
      weight_scheme other = to ? *to : w.scheme;
      other.owner = to_;
      other.activations =
          options_.activations == "dynamic" ? activation_kind::dynamic : activation_kind::none;
      const auto ok = nvq::io::check(other);
      if (!ok) refuse(w.module, ok.error().message);
      return other;
    }
    if (!to) refuse(w.module, to.error().message);
    return *to;
  }

  /// As they were before an earlier conversion, where the configuration of that time fits; otherwise as the
  /// dialect has them. GPTQ's readers want symmetric weights, so zero points that are all 8 go.
  void choose_schemes() {
    for (const auto& [module, w] : plan_.weights) schemes_.emplace(module, scheme_of(w));
    if (restore_schemes()) return;
    bool eight = is_gptq(to_);
    for (const auto& [module, w] : plan_.weights)
      if (eight && w.scheme.zero_points) eight = zero_points(source_, w).all_eight;
    if (!eight) return;
    for (auto& [module, scheme] : schemes_) scheme.zero_points = false;
  }

  bool restore_schemes() {
    if (!undo_.has_config() || !options_.activations.empty()) return false;
    const json* config = nvq::io::detail::field(undo_.config(), "quantization_config");
    if (config == nullptr) config = nvq::io::detail::field(undo_.config(), "second_config");
    if (config == nullptr) return false;
    const auto old = nvq::io::parse_quantization_config(*config);
    if (!old || old->owner != to_) return false;
    const nvq::io::scheme_finder olds(*old);
    std::map<std::string, weight_scheme> restored;
    for (const auto& [module, w] : plan_.weights) {
      const weight_scheme* s = olds.find(module, matches_from_start);
      const bool calibrated = w.scheme.activations == activation_kind::calibrated;
      if (s == nullptr || !same_numbers(*s, w.scheme) ||
          (s->activations == activation_kind::calibrated) != calibrated ||
          (w.scheme.zero_points && !s->zero_points && !zero_points(source_, w).all_eight))
        return false;
      restored.emplace(module, *s);
    }
    schemes_ = std::move(restored);
    return restores_ = true;
  }

  /// What 4-bit integers need besides their scheme.
  void check_integers(const StoredWeight& w, const weight_scheme& t) {
    if (w.columns % nvq::io::column_multiple(t) != 0 || w.rows % nvq::io::row_multiple(t) != 0)
      refuse(w.module, fmt::format("its shape [{}, {}] is no multiple of {} x {}", w.rows, w.columns,
                                   nvq::io::row_multiple(t), nvq::io::column_multiple(t)));
    if (t.kind != weight_kind::int4_group) return;
    if (w.wide == dtype::f32 && t.owner != dialect::compressed_tensors)
      refuse(w.module, "its scales are F32, and this dialect has scales of 16 bits");
    if (w.wide == dtype::bf16 && t.owner != dialect::compressed_tensors) ++bf16_scales_;
    if (is_gptq(w.scheme.owner) && !w.scheme.zero_points && !zero_points(source_, w).all_eight)
      refuse(w.module,
             "its zero points are not those of symmetric weights although the configuration says sym; was it "
             "stored in the other version of GPTQ?");
    if (t.owner == dialect::gptq && t.zero_points && zero_points(source_, w).any_zero) ++zeros_of_zero_;
    const Tensor* index = w.find(part::group_index);
    if (index == nullptr || is_gptq(t.owner)) return;
    std::vector<std::int32_t> groups(static_cast<std::size_t>(w.columns));
    source_.read(*index, 0, groups.data(), index->bytes);
    for (std::int64_t c = 0; c < w.columns; ++c)
      if (groups[static_cast<std::size_t>(c)] != c / t.group)
        refuse(w.module,
               fmt::format("its g_idx puts column {} into group {}, so its columns are out of order, "
                           "which {} cannot tell",
                           c, groups[static_cast<std::size_t>(c)], nvq::io::name(to_)));
  }

  /// Tensors of a quantized module that are no part of its scheme.
  void check_companions() const {
    std::set<const Tensor*> parts;
    for (const auto& [module, w] : plan_.weights)
      for (const auto& [what, tensor] : w.parts) parts.insert(tensor);
    for (const Tensor& t : source_.tensors()) {
      if (parts.count(&t) != 0) continue;
      for (auto dot = t.name.rfind('.'); dot != std::string::npos && dot != 0;
           dot = t.name.rfind('.', dot - 1)) {
        if (plan_.weights.count(t.name.substr(0, dot)) == 0) continue;
        const std::string suffix = t.name.substr(dot);
        if (suffix == ".bias" || is_kv_scale(t.name)) break;
        refuse(t.name.substr(0, dot),
               "it has a tensor '" + suffix.substr(1) +
                   "', which belongs to no format known here and which the other dialect "
                   "could not tell");
      }
    }
  }

  /// A tensor that is no part of a quantized weight.
  void keep(const Tensor& t) {
    ++plan_.copied;
    if (is_kv_scale(t.name)) {
      put(t.shard, kv_scale(source_, t, to_, undo_, notes_, maker_));
      return;
    }
    Piece p;
    p.spec = {t.name, t.type, t.shape};
    p.source = &t;
    put(t.shard, std::move(p));
  }

  void configure() {
    const nvq::io::quantization q = describe(source_, before_, to_, schemes_);
    const nvq::io::companion_config second = nvq::io::second_config(q);
    plan_.config = source_.config();
    if (restores_) {
      const json* config = nvq::io::detail::field(undo_.config(), "quantization_config");
      const json* other = nvq::io::detail::field(undo_.config(), "second_config");
      plan_.config.erase("quantization_config");
      if (config != nullptr) plan_.config["quantization_config"] = *config;
      if (other != nullptr && second.file != nullptr) {
        plan_.second = second.file;
        plan_.second_content = *other;
      }
    } else {
      plan_.config["quantization_config"] = nvq::io::quantization_config(q);
      if (second.file != nullptr) {
        plan_.second = second.file;
        plan_.second_content = second.content;
      }
    }
    std::set<std::string> formats;
    for (const auto& [module, scheme] : schemes_) formats.insert(format_name(scheme));
    plan_.formats.assign(formats.begin(), formats.end());
  }

  /// What the first file says of the configuration there was.
  json configuration() const {
    json before = json::object();
    if (source_.config().contains("quantization_config"))
      before["quantization_config"] = source_.config()["quantization_config"];
    const char* name = nvq::io::second_config(before_).file;
    std::error_code ec;
    if (name != nullptr && std::filesystem::exists(source_.directory() / name, ec))
      if (auto parsed = nvq::io::parse_json(read_text(source_.directory() / name, std::int64_t{64} << 20)))
        before["second_config"] = *std::move(parsed);
    const json* now = nvq::io::detail::field(plan_.config, "quantization_config");
    return {{"from", nvq::io::name(before_.owner)},
            {"written", now != nullptr ? fingerprint(*now) : ""},
            {"configuration", std::move(before)}};
  }

  void lay_out() {
    const auto undone = notes_.metadata(plan_.shards.front().source, configuration());
    for (ConvertedShard& s : plan_.shards) {
      Metadata metadata = Undo::without(source_.shards()[static_cast<std::size_t>(s.source)].metadata);
      if (std::none_of(metadata.begin(), metadata.end(), [](const auto& m) { return m.first == "format"; }))
        metadata.insert(metadata.begin(), {"format", "pt"});
      if (const auto at = undone.find(s.source); at != undone.end())
        metadata.insert(metadata.end(), at->second.begin(), at->second.end());
      std::vector<nvq::io::tensor_spec> specs;
      for (const Piece& p : s.pieces) specs.push_back(p.spec);
      s.layout = unwrap(nvq::io::plan_safetensors(std::move(specs), metadata), s.name);
      for (const nvq::io::tensor_entry& t : s.layout.tensors) plan_.bytes += t.bytes();
    }
  }

  void tell() {
    const auto note = [this](std::string text) { plan_.notes.push_back(std::move(text)); };
    if (plan_.counts.widened != 0)
      note(fmt::format("{} tensors of scales have another type than they had; their values are the same",
                       plan_.counts.widened));
    if (bf16_scales_ != 0)
      note(fmt::format("{} weights have BF16 scales; kernels of {} that take F16 round them, or refuse them",
                       bf16_scales_, nvq::io::name(to_)));
    if (zeros_of_zero_ != 0)
      note(
          fmt::format("{} weights have zero points of 0, which gptq stores as 15; kernels that add 1 without "
                      "wrapping read 16. gptq_v2 has no such trouble",
                      zeros_of_zero_));
    const weight_scheme &before = plan_.weights.begin()->second.scheme, &now = schemes_.begin()->second;
    if (is_gptq(to_) && now.zero_points)
      note("vLLM reads GPTQ without zero points only, and compressed-tensors and awq with them");
    if (is_gptq(to_) && before.zero_points && !now.zero_points)
      note("all zero points were 8, so the weights are symmetric now");
    if (!restores_ && before.kind == weight_kind::fp8_block && before.activations != now.activations &&
        options_.activations.empty())
      note("modelopt calls this format weight-only; engines quantize its activations as they do the others'");
  }

  const Checkpoint& source_;
  const nvq::io::quantization& before_;
  dialect to_;
  const ConvertOptions& options_;
  ConvertPlan& plan_;
  Undo undo_;
  UndoNotes notes_;
  PieceMaker maker_;
  std::map<std::string, weight_scheme> schemes_;
  std::int64_t bf16_scales_ = 0, zeros_of_zero_ = 0;
  bool restores_ = false;
};

}  // namespace

ConvertPlan make_convert_plan(const Checkpoint& source, const nvq::io::quantization& before, dialect to,
                              const ConvertOptions& options) {
  ConvertPlan plan;
  Planner(source, before, to, options, plan).run();
  return plan;
}

}  // namespace app
