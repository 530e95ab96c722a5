// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

#include <cstring>
#include <nvq/element.hpp>

#include "failure.hpp"

namespace app {

using nvq::io::dtype;
using nvq::io::weight_kind;

namespace {

CodecEntry codecs_of(const nvq::io::weight_scheme& s, dtype wide) {
  switch (s.kind) {
    case weight_kind::nvfp4:
      return nvfp4_codecs();
    case weight_kind::mxfp4:
    case weight_kind::mxfp6:
    case weight_kind::mxfp8:
      return mx_codecs(s.kind);
    case weight_kind::fp8_tensor:
    case weight_kind::fp8_channel:
    case weight_kind::fp8_block:
      return fp8_codecs(s.kind, wide);
    case weight_kind::int8_channel:
    case weight_kind::int4_channel:
    case weight_kind::int4_group:
      return s.zero_points ? zero_point_codecs(s.group, wide) : int_codecs(s.kind, s.group, wide);
    case weight_kind::nf4:
      return nf4_codecs();
  }
  return {};
}

const CodecMaker* find(const CodecEntry& entry, std::string_view recipe) {
  for (const CodecMaker& m : entry)
    if (recipe.empty() || m.recipe == recipe) return &m;
  return nullptr;
}

}  // namespace

const std::vector<FormatName>& format_names() {
  static const std::vector<FormatName> all = {
      {"nvfp4", weight_kind::nvfp4, 0, false, "E2M1, an E4M3 scale per 16 and a float per tensor"},
      {"mxfp4", weight_kind::mxfp4, 0, false, "E2M1, a power of two per 32"},
      {"mxfp6", weight_kind::mxfp6, 0, false, "E2M3, a power of two per 32"},
      {"mxfp8", weight_kind::mxfp8, 0, false, "E4M3, a power of two per 32"},
      {"fp8", weight_kind::fp8_tensor, 0, false, "E4M3, a scale per tensor"},
      {"fp8_row", weight_kind::fp8_channel, 0, false, "E4M3, a scale per row"},
      {"fp8_block", weight_kind::fp8_block, 0, false, "E4M3, a scale per 128 x 128 tile"},
      {"int8", weight_kind::int8_channel, 0, false, "8-bit integers, a scale per row"},
      {"int4", weight_kind::int4_group, 128, false, "4-bit integers, a scale per 128"},
      {"int4_g64", weight_kind::int4_group, 64, false, "4-bit integers, a scale per 64"},
      {"int4_g32", weight_kind::int4_group, 32, false, "4-bit integers, a scale per 32"},
      {"int4_zp", weight_kind::int4_group, 128, true, "4-bit integers, a scale and a zero point per 128"},
      {"int4_g64_zp", weight_kind::int4_group, 64, true, "the same per 64"},
      {"int4_g32_zp", weight_kind::int4_group, 32, true, "the same per 32"},
      {"int4_row", weight_kind::int4_channel, 0, false, "4-bit integers, a scale per row"},
      {"nf4", weight_kind::nf4, 0, false, "NF4, an absolute maximum per 64"},
      {"nf4_dq", weight_kind::nf4, 0, false, "the same, double-quantized: the maxima in 8 bits", true},
  };
  return all;
}

const FormatName& find_format(std::string_view name) {
  std::string known;
  for (const FormatName& f : format_names()) {
    if (f.name == name) return f;
    known += (known.empty() ? "" : ", ") + std::string(f.name);
  }
  throw Failure("unknown format '" + std::string(name) + "'; known are " + known);
}

std::string format_name(const nvq::io::weight_scheme& s) {
  for (const FormatName& f : format_names())
    if (f.kind == s.kind && f.group == s.group && f.zero_points == s.zero_points &&
        f.double_quant == s.double_quant)
      return std::string(f.name);
  return "quantized";
}

std::unique_ptr<Codec> make_codec(const nvq::io::weight_scheme& s, dtype wide, std::string_view recipe) {
  const CodecEntry entry = codecs_of(s, wide);
  if (const CodecMaker* m = find(entry, recipe)) return m->make();
  std::string known;
  for (const CodecMaker& m : entry) known += (known.empty() ? "" : ", ") + std::string(m.recipe);
  throw Failure("unknown recipe '" + std::string(recipe) + "'; this format has " + known);
}

bool has_recipe(const nvq::io::weight_scheme& s, dtype wide, std::string_view recipe) {
  return find(codecs_of(s, wide), recipe) != nullptr;
}

std::vector<std::uint8_t> fold_divisor(const std::vector<std::uint8_t>& scales, float divisor) {
  std::vector<std::uint8_t> folded(scales.size() * sizeof(float));
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const float scale = nvq::E4M3::decode(scales[i]) / divisor;
    std::memcpy(folded.data() + i * sizeof(float), &scale, sizeof(float));
  }
  return folded;
}

std::vector<std::string> recipe_names(const FormatName& format) {
  nvq::io::weight_scheme s;
  s.kind = format.kind;
  s.group = format.group;
  s.zero_points = format.zero_points;
  std::vector<std::string> names;
  for (const CodecMaker& m : codecs_of(s, dtype::f32)) names.emplace_back(m.recipe);
  return names;
}

}  // namespace app
