// SPDX-License-Identifier: Apache-2.0
// Names, dtypes and shapes of the parts of every quantized weight.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "checks.hpp"

namespace app::check {

namespace {

using nvq::io::dtype;

std::string types_text(const std::vector<dtype>& types) {
  std::string text;
  for (const dtype t : types) text += (text.empty() ? "" : " or ") + std::string(nvq::io::name(t));
  return text;
}

std::string shapes_text(const std::vector<std::vector<std::int64_t>>& shapes) {
  std::string text;
  for (const auto& s : shapes) text += (text.empty() ? "" : " or ") + nvq::io::shape_text(s);
  return text;
}

/// The codes' tensor, or nullptr and a finding.
const Entry* find_codes(Context& x, const Module& m, const Scheme& s) {
  const std::string suffix(codes_suffix(s));
  if (const Entry* t = m.part(suffix)) {
    if (t->type == codes_type(s)) return t;
    x.findings.error("V7", t->name,
                     fmt::format("{}; format {} has {} here, and the module has quantization tensors",
                                 nvq::io::name(t->type), s.label, nvq::io::name(codes_type(s))));
    return nullptr;
  }
  for (const char* other : {"weight", "weight_packed", "qweight", "_blocks"})
    if (const Entry* t = m.part(other)) {
      x.findings.error("V7", t->name,
                       fmt::format("{}; format {} stores its codes in {}, {}", nvq::io::name(t->type),
                                   s.label, suffix, nvq::io::name(codes_type(s))));
      return nullptr;
    }
  x.findings.error("N-parts", m.name + "." + suffix, "missing, although its scales are there");
  return nullptr;
}

/// pack-quantized rows are padded to words, so the columns are in a tensor of their own.
void read_weight_shape(Context& x, const Module& m, Extent& e) {
  const Entry* t = m.part("weight_shape");
  if (t == nullptr || t->bytes != 16 || t->type != dtype::i64) return;
  const auto bytes = x.checkpoint.read(*t, Reading::scales);
  if (bytes.size() != 16) return;
  std::array<std::int64_t, 2> dims{};
  std::memcpy(dims.data(), bytes.data(), 16);
  if (dims[0] != e.rows || dims[1] <= 0 || dims[1] > e.columns ||
      dims[1] * m.declared->bits <= (e.columns * m.declared->bits - 32))
    x.findings.error("V6", t->name,
                     fmt::format("it says [{}, {}]; the packed weight holds {} rows of up to {} values",
                                 dims[0], dims[1], e.rows, e.columns));
  else
    e.columns = dims[1];
}

void check_tail(Context& x, const Module& m, const Scheme& s) {
  const std::int64_t group = column_group(s);
  const bool partial_tiles = s.kind == Kind::fp8_block && s.names != Names::modelopt;
  if (group > 1 && m.extent.columns % group != 0 && !partial_tiles)
    x.findings.error("N-tail", m.name,
                     fmt::format("rows of {} values in groups of {}", m.extent.columns, group));
  if (s.kind == Kind::fp8_block && s.names == Names::modelopt && m.extent.rows % s.tile_rows != 0)
    x.findings.error("N-tail", m.name, fmt::format("{} rows in tiles of {}", m.extent.rows, s.tile_rows));
}

bool check_part(Context& x, const Module& m, const Scheme& s, const PartSpec& spec) {
  const Entry* t = m.part(spec.suffix);
  if (t == nullptr) {
    if (spec.required)
      x.findings.error("N-parts", m.name + (spec.suffix[0] == '_' ? "" : ".") + spec.suffix, "missing");
    return !spec.required;
  }
  if (std::find(spec.types.begin(), spec.types.end(), t->type) == spec.types.end()) {
    x.findings.error(
        "V7", t->name,
        fmt::format("{}; format {} has {} here", nvq::io::name(t->type), s.label, types_text(spec.types)));
    return false;
  }
  if (!spec.shapes.empty() &&
      std::find(spec.shapes.begin(), spec.shapes.end(), t->shape) == spec.shapes.end()) {
    x.findings.error("V6", t->name,
                     fmt::format("{}; a weight of {} x {} values needs {}", nvq::io::shape_text(t->shape),
                                 m.extent.rows, m.extent.columns, shapes_text(spec.shapes)));
    return false;
  }
  return true;
}

void check_extra_parts(Context& x, const Module& m, const Scheme& s, const std::vector<PartSpec>& specs) {
  for (const auto& [suffix, t] : m.parts) {
    const std::string& name = suffix;
    const bool expected =
        std::any_of(specs.begin(), specs.end(), [&](const PartSpec& p) { return p.suffix == name; });
    if (expected) continue;
    if (!is_known_suffix(suffix)) {
      x.findings.error("V6", t->name, "no loader knows a tensor of this name");
    } else if (suffix == "input_scale" || suffix == "input_global_scale") {
      x.findings.warning(
          "V6", t->name,
          fmt::format("an activation scale that format {} as declared does not have", s.label));
    } else if (is_quantization_suffix(suffix) && suffix != "pre_quant_scale" &&
               suffix != "input_zero_point" && suffix.rfind("svdquant", 0) != 0 &&
               suffix.rfind("weight.", 0) != 0) {
      x.findings.error("V6", t->name, fmt::format("format {} has no such tensor", s.label));
    }
  }
}

/// What 8-bit absolute maxima are made of.
void check_nested(Context& x, const Module& m, const Entry& absmax, const nvq::io::json& state) {
  if (absmax.type != dtype::u8) return;
  const std::int64_t group = std::min(number_at(state, "nested_blocksize", 256), largest_block());
  const Entry* factors = m.part("weight.nested_absmax");
  for (const char* suffix : {"weight.nested_absmax", "weight.nested_quant_map"})
    if (m.part(suffix) == nullptr) x.findings.error("N-parts", m.name + "." + suffix, "missing");
  if (factors != nullptr && group > 0 && factors->values() != (absmax.values() + group - 1) / group)
    x.findings.error(
        "V6", factors->name,
        fmt::format("{} factors; {} scales in groups of {}", factors->values(), absmax.values(), group));
  const auto mean = state.find("nested_offset");
  if (mean == state.end() || !mean->is_number())
    x.findings.error("V6", absmax.name, "8-bit scales, and no nested_offset in the quant_state");
}

/// The flattened weight's length is in the JSON beside it.
void check_bnb(Context& x, Module& m) {
  const Entry* codes = m.part("weight");
  const Entry* state = m.part("weight.quant_state.bitsandbytes__nf4");
  if (state == nullptr) state = m.part("weight.quant_state.bitsandbytes__fp4");
  if (state == nullptr) {
    x.findings.error("N-parts", m.name + ".weight.quant_state.bitsandbytes__nf4", "missing");
    return;
  }
  const auto bytes =
      state->bytes < 65536 ? x.checkpoint.read(*state, Reading::scales) : std::vector<std::uint8_t>();
  const auto parsed =
      nvq::io::parse_json(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  if (!parsed || !parsed->is_object() || !parsed->contains("shape") || !(*parsed)["shape"].is_array()) {
    x.findings.error("V6", state->name, "it is no JSON object with a shape");
    return;
  }
  std::vector<std::int64_t> shape;
  for (const auto& d : (*parsed)["shape"])
    if (d.is_number_integer()) shape.push_back(d.get<std::int64_t>());
  const std::int64_t n = nvq::io::element_count(shape).value_or(0),
                     block = std::min(number_at(*parsed, "blocksize", 64), largest_block());
  const Entry* absmax = m.part("weight.absmax");
  if (shape.size() == 2 && n > 0 && codes->bytes == (n + 1) / 2) m.extent = {shape[0], shape[1]};
  if (codes->bytes != (n + 1) / 2)
    x.findings.error("V6", codes->name,
                     fmt::format("{} bytes; its quant_state describes {} values", codes->bytes, n));
  else if (absmax != nullptr && block > 0 && absmax->values() != (n + block - 1) / block)
    x.findings.error("V6", absmax->name,
                     fmt::format("{} scales; {} values in blocks of {}", absmax->values(), n, block));
  if (absmax != nullptr) check_nested(x, m, *absmax, *parsed);
}

void check_module(Context& x, Module& m) {
  const Scheme& s = *m.declared;
  const Entry* codes = find_codes(x, m, s);
  if (codes == nullptr) return;
  if (codes->bytes == 0) {
    x.findings.error("V6", codes->name, "it is empty");
    return;
  }
  if (s.kind == Kind::bnb4) {
    check_bnb(x, m);
  } else {
    m.extent = extent_of(s, codes->shape);
    if (m.extent.rows == 0 || m.extent.columns == 0) {
      x.findings.error(
          "V6", codes->name,
          fmt::format("{} is no shape of packed {}", nvq::io::shape_text(codes->shape), s.label));
      return;
    }
  }
  if (s.kind == Kind::int_packed) read_weight_shape(x, m, m.extent);
  const auto specs = parts_of(s, m.extent);
  m.whole = true;
  for (std::size_t i = s.kind == Kind::gptq || s.kind == Kind::awq ? 0 : 1; i < specs.size(); ++i)
    m.whole = check_part(x, m, s, specs[i]) && m.whole;
  check_extra_parts(x, m, s, specs);
  check_tail(x, m, s);
}

}  // namespace

void check_shapes(Context& x) {
  for (auto& [name, m] : x.modules)
    if (m.declared && m.quantized() && !x.declared.ignored(name)) check_module(x, m);
}

}  // namespace app::check
