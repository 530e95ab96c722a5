// SPDX-License-Identifier: Apache-2.0
#include "stored.hpp"

#include <fmt/format.h>

#include <array>
#include <nvq/io/dialect_json.hpp>

#include "failure.hpp"

namespace app {

namespace {

using nvq::io::dtype;
using nvq::io::part;
using nvq::io::weight_kind;

std::string where(const Checkpoint& c, const Tensor& t) {
  return c.shards()[static_cast<std::size_t>(t.shard)].path.string() + ": tensor '" + t.name + "': ";
}

/// Columns of a weight whose codes lie in `codes`.
std::int64_t columns_of(const Checkpoint& c, const nvq::io::weight_scheme& s, const Tensor& codes,
                        const std::string& module) {
  switch (s.kind) {
    case weight_kind::nvfp4:
    case weight_kind::mxfp4:
      return codes.shape[1] * 2;
    case weight_kind::mxfp6:
      return codes.shape[1] / 3 * 4;
    case weight_kind::int4_group:
    case weight_kind::int4_channel: {
      const Tensor* shape = c.find(module + ".weight_shape");
      if (shape == nullptr || shape->type != dtype::i64 || shape->shape != std::vector<std::int64_t>{2})
        throw Failure(where(c, codes) + "there is no weight_shape of two I64 beside it");
      std::array<std::int64_t, 2> dims{};
      c.read(*shape, 0, dims.data(), 16);
      if (dims[0] != codes.shape[0] || dims[1] < 0 || dims[1] > codes.shape[1] * 8)
        throw Failure(where(c, *shape) + "it does not fit the packed weight " +
                      nvq::io::shape_text(codes.shape));
      return dims[1];
    }
    default:
      return codes.shape[1];
  }
}

StoredWeight stored_weight(const Checkpoint& c, const nvq::io::weight_scheme& s, const std::string& module,
                           const Tensor& codes) {
  if (codes.shape.size() != 2 || codes.bytes == 0)
    throw Failure(where(c, codes) + "a quantized weight must be a matrix that is not empty, not " +
                  nvq::io::shape_text(codes.shape));
  StoredWeight w;
  w.module = module;
  w.rows = codes.shape[0];
  w.columns = columns_of(c, s, codes, module);
  if (w.columns == 0) throw Failure(where(c, codes) + "it has no columns");
  const Tensor* scale = c.find(module + ".weight_scale");
  if (scale != nullptr && (scale->type == dtype::bf16 || scale->type == dtype::f16)) w.wide = scale->type;
  for (const nvq::io::stored_part& p : nvq::io::parts(s, w.rows, w.columns, w.wide)) {
    const Tensor* t = c.find(module + '.' + p.suffix);
    if (t == nullptr) throw Failure(where(c, codes) + "there is no " + p.suffix + " beside it");
    if (t->type != p.type || t->shape != p.shape)
      throw Failure(where(c, *t) + fmt::format("{} {} where the format needs {} {}", nvq::io::name(t->type),
                                               nvq::io::shape_text(t->shape), nvq::io::name(p.type),
                                               nvq::io::shape_text(p.shape)));
    w.parts.emplace_back(p.what, t);
  }
  return w;
}

}  // namespace

const Tensor* StoredWeight::find(part what) const {
  for (const auto& [p, tensor] : parts)
    if (p == what) return tensor;
  return nullptr;
}

nvq::io::weight_scheme stored_scheme(const Checkpoint& checkpoint) {
  const std::string path = (checkpoint.directory() / "config.json").string();
  if (!checkpoint.config().contains("quantization_config"))
    throw Failure(path + ": it has no quantization_config; this checkpoint is not quantized");
  return unwrap(nvq::io::parse_quantization_config(checkpoint.config()["quantization_config"]), path);
}

std::map<std::string, StoredWeight> stored_weights(const Checkpoint& c, const nvq::io::weight_scheme& s) {
  const std::string codes_suffix = std::string(".") + nvq::io::parts(s, 128, 128, dtype::f32)[0].suffix;
  std::map<std::string, StoredWeight> all;
  for (const Tensor& t : c.tensors()) {
    if (t.name.size() <= codes_suffix.size() ||
        t.name.compare(t.name.size() - codes_suffix.size(), codes_suffix.size(), codes_suffix) != 0)
      continue;
    const std::string module = t.name.substr(0, t.name.size() - codes_suffix.size());
    // A plain ".weight" is quantized when a scale stands beside it.
    if (codes_suffix == ".weight" && c.find(module + ".weight_scale") == nullptr) continue;
    all.emplace(module, stored_weight(c, s, module, t));
  }
  return all;
}

}  // namespace app
