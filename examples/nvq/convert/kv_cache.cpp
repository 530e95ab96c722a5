// SPDX-License-Identifier: Apache-2.0
#include "convert/kv_cache.hpp"

#include <fmt/format.h>

#include <nvq/io/dialect_json.hpp>

#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::json;
using nvq::io::detail::field;
using nvq::io::detail::is_false;
using nvq::io::detail::number_at;
using nvq::io::detail::text_at;

bool has_kv(dialect d) { return d == dialect::compressed_tensors || d == dialect::modelopt; }

/// Whether a declared scheme is one scale per tensor for E4M3, which both dialects have.
bool plain_fp8(const json& scheme) {
  const std::string strategy = text_at(scheme, "strategy");
  return number_at(scheme, "num_bits") == 8 && text_at(scheme, "type") == "float" &&
         (strategy.empty() || strategy == "tensor") && !is_false(scheme, "symmetric") &&
         (!scheme.contains("dynamic") || scheme["dynamic"] == false);
}

}  // namespace

bool is_kv_scale(const std::string& name) {
  const std::string_view last = leaf(name);
  return last == "k_scale" || last == "v_scale";
}

void check_kv_cache(const Checkpoint& source, const nvq::io::quantization& before, dialect to) {
  const std::string where =
      source.directory().string() + ": the KV cache cannot be told in " + nvq::io::name(to) + ": ";
  const json* config = field(source.config(), "quantization_config");
  const json* scheme = config != nullptr ? field(*config, "kv_cache_scheme") : nullptr;
  if (scheme != nullptr && scheme->is_object() && !plain_fp8(*scheme))
    throw Failure(where + "its scheme is " + scheme->dump() +
                  ", and only FP8 with one scale per layer is known");
  if (scheme == nullptr || !scheme->is_object()) {
    std::error_code ec;
    const auto path = source.directory() / "hf_quant_config.json";
    if (before.owner == dialect::modelopt && std::filesystem::exists(path, ec)) {
      const json second = unwrap(nvq::io::parse_json(read_text(path, std::int64_t{64} << 20)), path.string());
      const json* inner = field(second, "quantization");
      const std::string algorithm = inner != nullptr ? text_at(*inner, "kv_cache_quant_algo") : "";
      if (!algorithm.empty() && algorithm != "FP8")
        throw Failure(where + "it is " + algorithm + ", and only FP8 is known");
    }
  }
  bool scales = before.fp8_kv_cache;
  for (const Tensor& t : source.tensors()) scales = scales || is_kv_scale(t.name);
  if (scales && !has_kv(to))
    throw Failure(where + "that dialect has no scales for it; use --to compressed-tensors or modelopt");
}

Piece kv_scale(const Checkpoint& source, const Tensor& t, dialect to, const Undo& undo, UndoNotes& notes,
               PieceMaker& maker) {
  if (nvq::io::element_count(t.shape) != 1)
    throw Failure(fmt::format("{}: tensor '{}' {}: a scale per head, and {} has one per layer",
                              source.directory().string(), t.name, nvq::io::shape_text(t.shape),
                              nvq::io::name(to)));
  const std::string last(leaf(t.name)), projection = last.substr(0, 1) + "_proj";
  std::string parent = t.name.substr(0, t.name.size() - last.size() - 1);
  const bool beside_projection = leaf(parent) == projection;
  std::string name = t.name;
  dtype type = t.type;
  std::vector<std::int64_t> shape;
  if (to == dialect::modelopt) {
    if (!beside_projection) name = parent + '.' + projection + '.' + last;
    type = dtype::f32;
  } else {
    if (beside_projection) name = parent.substr(0, parent.size() - projection.size()) + last;
    shape = {1};
  }
  Piece made = maker.number(t, name, type, shape);
  // What the way back would make of it, and whether that is what there was.
  if (const json* before = undo.find(name); before != nullptr) maker.restore(*before, made);
  json entry = json::object();
  const dtype back = to == dialect::modelopt ? made.spec.type : dtype::f32;
  if (t.type != back) entry["dtype"] = nvq::io::name(t.type);
  if (t.shape != (to == dialect::modelopt ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{}))
    entry["shape"] = t.shape;
  if (entry.empty())
    notes.plain('.' + last);
  else
    notes.add(t.shard, t.name.substr(0, t.name.size() - last.size() - 1), '.' + last, std::move(entry));
  return made;
}

}  // namespace app
