// SPDX-License-Identifier: Apache-2.0
#include "stored.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>
#include <nvq/io/dialect_json.hpp>
#include <set>
#include <system_error>

#include "failure.hpp"
#include "name_pattern.hpp"

namespace app {

namespace {

using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::part;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;

std::string where(const Checkpoint& c, const Tensor& t) {
  return c.shards()[static_cast<std::size_t>(t.shard)].path.string() + ": tensor '" + t.name + "': ";
}

struct Dims {
  std::int64_t rows, columns;
};

/// Of compressed-tensors' packed integers: their words may hold more columns than there are.
Dims dims_from_shape(const Checkpoint& c, const Tensor& codes, const std::string& module) {
  const Tensor* shape = c.find(module + ".weight_shape");
  if (shape == nullptr || shape->type != dtype::i64 || shape->shape != std::vector<std::int64_t>{2})
    throw Failure(where(c, codes) + "there is no weight_shape of two I64 beside it");
  std::array<std::int64_t, 2> dims{};
  c.read(*shape, 0, dims.data(), 16);
  if (dims[0] != codes.shape[0] || dims[1] < 0 || dims[1] > codes.shape[1] * 8)
    throw Failure(where(c, *shape) + "it does not fit the packed weight " + nvq::io::shape_text(codes.shape));
  return {dims[0], dims[1]};
}

/// Of bitsandbytes, whose codes are one long column. Its state of a weight, not the configuration, says whether the
/// absolute maxima are double-quantized.
Dims dims_from_state(const Checkpoint& c, const Tensor& codes, StoredWeight& w, dtype& weights) {
  const std::string& module = w.module;
  const Tensor* state = c.find(module + ".weight.quant_state.bitsandbytes__nf4");
  if (state == nullptr || state->bytes > 4096)
    throw Failure(where(c, codes) + "there is no quant_state.bitsandbytes__nf4 beside it");
  std::string text(static_cast<std::size_t>(state->bytes), '\0');
  c.read(*state, 0, text.data(), state->bytes);
  const nvq::io::json json = unwrap(nvq::io::parse_json(text), where(c, *state));
  const nvq::io::json* shape = nvq::io::detail::field(json, "shape");
  if (shape == nullptr || !shape->is_array() || shape->size() != 2 || !(*shape)[0].is_number_integer() ||
      !(*shape)[1].is_number_integer() || nvq::io::detail::number_at(json, "blocksize") != 64)
    throw Failure(where(c, *state) + "it does not tell a shape of two and a blocksize of 64");
  w.scheme.double_quant = nvq::io::detail::field(json, "nested_blocksize") != nullptr;
  if (w.scheme.double_quant) {
    const nvq::io::json* mean = nvq::io::detail::field(json, "nested_offset");
    constexpr auto largest = static_cast<double>(std::numeric_limits<float>::max());
    if (mean == nullptr || !mean->is_number() || !(std::abs(mean->get<double>()) <= largest) ||
        nvq::io::detail::number_at(json, "nested_blocksize") != 256)
      throw Failure(where(c, *state) + "it does not tell a nested_offset and a nested_blocksize of 256");
    w.nested_mean = static_cast<float>(mean->get<double>());
  }
  const std::string type = nvq::io::detail::text_at(json, "dtype");
  weights = type == "bfloat16" ? dtype::bf16 : type == "float16" ? dtype::f16 : dtype::f32;
  return {(*shape)[0].get<std::int64_t>(), (*shape)[1].get<std::int64_t>()};
}

/// Rows and columns of a weight whose codes lie in `codes`.
Dims dims_of(const Checkpoint& c, const Tensor& codes, StoredWeight& w, dtype& wide) {
  const weight_scheme& s = w.scheme;
  const std::vector<std::int64_t>& shape = codes.shape;
  const std::size_t rank = s.owner == dialect::gpt_oss ? 4 : 2;
  if (shape.size() != rank || codes.bytes == 0)
    throw Failure(where(c, codes) + "a quantized weight must be a matrix that is not empty, not " +
                  nvq::io::shape_text(shape));
  switch (s.owner) {
    case dialect::gpt_oss:
      return {shape[1], shape[2] * 32};
    case dialect::gptq:
    case dialect::gptq_v2:
      return {shape[1], shape[0] * 8};
    case dialect::awq:
      return {shape[1] * 8, shape[0]};
    case dialect::bitsandbytes:
      return dims_from_state(c, codes, w, wide);
    default:
      break;
  }
  switch (s.kind) {
    case weight_kind::nvfp4:
    case weight_kind::mxfp4:
      return {shape[0], shape[1] * 2};
    case weight_kind::mxfp6:
      return {shape[0], shape[1] / 3 * 4};
    case weight_kind::int4_group:
    case weight_kind::int4_channel:
      return dims_from_shape(c, codes, w.module);
    default:
      return {shape[0], shape[1]};
  }
}

bool is_float(dtype t) { return t == dtype::f32 || t == dtype::f16 || t == dtype::bf16; }

bool of_activations(part what) { return what == part::input_multiplier || what == part::input_divisor; }

/// Whether a tensor can be what the scheme asks for: a lone number may have any rank, and wide scales, FP8's of
/// activations among them, any of the float types.
bool fits(const Tensor& t, const nvq::io::stored_part& p, weight_kind kind) {
  std::int64_t wanted = 1, there = 1;
  for (const std::int64_t n : p.shape) wanted *= n;
  for (const std::int64_t n : t.shape) there *= n;
  const bool wide_scale = (p.what == part::block_scales || p.what == part::group_major_scales ||
                           (p.what == part::input_multiplier && kind == weight_kind::fp8_tensor)) &&
                          is_float(p.type);
  return (t.type == p.type || (wide_scale && is_float(t.type))) &&
         (t.shape == p.shape || (wanted == 1 && there == 1));
}

void require(const Checkpoint& c, const Tensor& t, const nvq::io::stored_part& p, weight_kind kind) {
  if (fits(t, p, kind)) return;
  throw Failure(where(c, t) + fmt::format("{} {} where the format needs {} {}", nvq::io::name(t.type),
                                          nvq::io::shape_text(t.shape), nvq::io::name(p.type),
                                          nvq::io::shape_text(p.shape)));
}

void add_stored(const Checkpoint& c, const weight_scheme& s, const std::string& module, const Tensor& codes,
                std::map<std::string, StoredWeight>& all) {
  StoredWeight w;
  w.module = module;
  w.scheme = s;
  dtype weights = dtype::f32;
  const Dims dims = dims_of(c, codes, w, weights);
  w.rows = dims.rows;
  w.columns = dims.columns;
  if (w.rows <= 0 || w.columns <= 0) throw Failure(where(c, codes) + "it has no columns");
  if (s.owner == dialect::gpt_oss) w.slices = codes.shape[0];
  for (nvq::io::stored_part& p : nvq::io::parts(w.scheme, w.rows, w.columns, weights)) {
    const Tensor* t = c.find(module + p.suffix);
    if (t == nullptr && (of_activations(p.what) || p.what == part::group_index)) continue;
    if (t == nullptr) throw Failure(where(c, codes) + "there is no " + (p.suffix + 1) + " beside it");
    if (w.slices > 1 || s.owner == dialect::gpt_oss) p.shape.insert(p.shape.begin(), w.slices);
    if (p.what == part::quant_state) p.shape = t->shape;
    require(c, *t, p, s.kind);
    if ((p.what == part::block_scales || p.what == part::group_major_scales) && is_float(t->type))
      w.wide = t->type;
    w.parts.emplace_back(p.what, t);
  }
  if (s.owner != dialect::gpt_oss) {
    all.emplace(module, std::move(w));
    return;
  }
  for (std::int64_t e = 0; e < w.slices; ++e) {
    w.slice = e;
    all.emplace(fmt::format("{}[{}]", module, e), w);
  }
}

/// A pattern that cannot be matched would leave weights out in silence.
void require_patterns(const Checkpoint& c, const nvq::io::quantization& q) {
  for (const nvq::io::scheme_use& use : q.uses)
    for (const std::string& target : use.targets) {
      if (target.compare(0, 3, "re:") != 0) continue;
      if (const std::string why = refusal_of_pattern(target.substr(3)); !why.empty())
        throw Failure((c.directory() / "config.json").string() + ": the target '" + target.substr(0, 80) +
                      "' cannot be matched: " + why + "; name the modules instead");
    }
}

/// Whether a tensor that ends as codes do really holds codes: a plain ".weight" does when a scale stands
/// beside it.
bool is_quantized(const Checkpoint& c, const weight_scheme& s, const std::string& module) {
  for (const nvq::io::stored_part& p : nvq::io::parts(s, 128, 128, dtype::f32))
    if (p.what == part::block_scales && c.find(module + p.suffix) != nullptr) return true;
  return false;
}

}  // namespace

const Tensor* StoredWeight::find(part what) const {
  for (const auto& [p, tensor] : parts)
    if (p == what) return tensor;
  return nullptr;
}

bool says_quantized(const Checkpoint& checkpoint) {
  std::error_code ec;
  return checkpoint.config().contains("quantization_config") ||
         std::filesystem::exists(checkpoint.directory() / "hf_quant_config.json", ec);
}

nvq::io::quantization stored_quantization(const Checkpoint& checkpoint) {
  const std::string path = (checkpoint.directory() / "config.json").string();
  if (checkpoint.config().contains("quantization_config"))
    return unwrap(nvq::io::parse_quantization_config(checkpoint.config()["quantization_config"]), path);
  if (!says_quantized(checkpoint))
    throw Failure(path + ": it has no quantization_config; this checkpoint is not quantized");
  const std::filesystem::path second = checkpoint.directory() / "hf_quant_config.json";
  const nvq::io::json json =
      unwrap(nvq::io::parse_json(read_text(second, std::int64_t{64} << 20)), second.string());
  return unwrap(nvq::io::parse_quantization_config(json), second.string());
}

std::map<std::string, StoredWeight> stored_weights(const Checkpoint& c, const nvq::io::quantization& q) {
  require_patterns(c, q);
  std::set<std::string> suffixes;
  for (const nvq::io::scheme_use& use : q.uses)
    suffixes.insert(nvq::io::parts(use.scheme, 128, 128, dtype::f32)[0].suffix);
  const nvq::io::scheme_finder schemes(q);
  std::map<std::string, StoredWeight> all;
  for (const Tensor& t : c.tensors())
    for (const std::string& suffix : suffixes) {
      if (t.name.size() <= suffix.size() ||
          t.name.compare(t.name.size() - suffix.size(), suffix.size(), suffix) != 0)
        continue;
      const std::string module = t.name.substr(0, t.name.size() - suffix.size());
      const weight_scheme* s = schemes.find(module, matches_from_start);
      if (s == nullptr || nvq::io::parts(*s, 128, 128, dtype::f32)[0].suffix != suffix) continue;
      if (suffix == ".weight" && !is_quantized(c, *s, module)) continue;
      add_stored(c, *s, module, t, all);
    }
  return all;
}

}  // namespace app
