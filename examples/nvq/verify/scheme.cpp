// SPDX-License-Identifier: Apache-2.0
#include "scheme.hpp"

#include <algorithm>
#include <iterator>

namespace app::check {

namespace {

using nvq::io::dtype;

std::int64_t blocks(std::int64_t n, std::int64_t size) { return size <= 0 ? 1 : (n + size - 1) / size; }

const std::vector<dtype>& wide() {
  static const std::vector<dtype> types = {dtype::f32, dtype::bf16, dtype::f16};
  return types;
}
const std::vector<dtype>& e8m0() {
  static const std::vector<dtype> types = {dtype::u8, dtype::f8_e8m0};
  return types;
}

const std::vector<std::vector<std::int64_t>>& scalar() {
  static const std::vector<std::vector<std::int64_t>> shapes = {{}, {1}};
  return shapes;
}

/// Input scales. One per tensor; those of compressed-tensors NVFP4 divide.
void add_input_scale(std::vector<PartSpec>& parts, const Scheme& s) {
  const std::string suffix(input_scale_suffix(s));
  if (suffix.empty()) return;
  // Missing ones are rules V1 and V2, so they are not required here.
  parts.push_back({suffix, Role::input_scale, wide(), scalar(), false});
}

void add_gptq_awq(std::vector<PartSpec>& parts, const Scheme& s, const Extent& e) {
  const std::int64_t per_word = 32 / s.bits, groups = blocks(e.columns, s.group > 0 ? s.group : e.columns);
  const std::vector<dtype> words = {dtype::i32};
  if (s.kind == Kind::gptq) {
    parts.push_back({"qweight", Role::codes, words, {{e.columns / per_word, e.rows}}});
    parts.push_back({"g_idx", Role::other, words, {{e.columns}}, false});
  } else {
    parts.push_back({"qweight", Role::codes, words, {{e.columns, e.rows / per_word}}});
  }
  parts.push_back({"qzeros", Role::zero_points, words, {{groups, blocks(e.rows, per_word)}}});
  parts.push_back({"scales", Role::scales, wide(), {{groups, e.rows}}});
}

void add_pack_quantized(std::vector<PartSpec>& parts, const Scheme& s, const Extent& e) {
  const std::int64_t words = blocks(e.columns * s.bits, 32), groups = blocks(e.columns, s.group);
  parts.push_back({"weight_packed", Role::codes, {dtype::i32}, {{e.rows, words}}});
  std::vector<std::vector<std::int64_t>> scales = {{e.rows, groups}};
  if (s.per_tensor) scales = scalar();
  parts.push_back({"weight_scale", Role::scales, wide(), scales});
  parts.push_back({"weight_shape", Role::other, {dtype::i64}, {{2}}});
  if (!s.symmetric)
    parts.push_back({"weight_zero_point",
                     Role::zero_points,
                     {dtype::i32, dtype::i8},
                     {{blocks(e.rows * s.bits, 32), groups}, {e.rows, groups}}});
  parts.push_back({"weight_g_idx", Role::other, {dtype::i32}, {{e.columns}}, false});
}

void add_fp8(std::vector<PartSpec>& parts, const Scheme& s, const Extent& e) {
  parts.push_back({"weight", Role::codes, {dtype::f8_e4m3}, {{e.rows, e.columns}}});
  const std::int64_t down = blocks(e.rows, s.tile_rows), across = blocks(e.columns, s.tile_columns);
  switch (s.kind) {
    case Kind::fp8_tensor:
      // A module that was fused before it was quantized keeps a scale per shard.
      parts.push_back({"weight_scale", Role::scales, wide(), scalar()});
      return;
    case Kind::fp8_channel:
      parts.push_back({"weight_scale", Role::scales, wide(), {{e.rows, 1}, {e.rows}}});
      return;
    default:
      if (s.names == Names::huggingface)
        parts.push_back(
            {"weight_scale_inv", Role::scales, {dtype::f32, dtype::bf16, dtype::f8_e8m0}, {{down, across}}});
      else
        parts.push_back({"weight_scale", Role::scales, wide(), {{down, across}, {down, 1, across, 1}}});
  }
}

}  // namespace

bool is_float(dtype t) { return t == dtype::f32 || t == dtype::f16 || t == dtype::bf16 || t == dtype::f64; }

std::string_view codes_suffix(const Scheme& s) {
  switch (s.kind) {
    case Kind::nvfp4:
    case Kind::mxfp4:
    case Kind::mxfp6:
      return s.names == Names::compressed_tensors ? "weight_packed" : "weight";
    case Kind::int_packed:
      return "weight_packed";
    case Kind::gptq:
    case Kind::awq:
      return "qweight";
    case Kind::gptoss_mxfp4:
      return "_blocks";
    default:
      return "weight";
  }
}

dtype codes_type(const Scheme& s) {
  switch (s.kind) {
    case Kind::mxfp8:
    case Kind::fp8_tensor:
    case Kind::fp8_channel:
    case Kind::fp8_block:
      return dtype::f8_e4m3;
    case Kind::int_packed:
    case Kind::gptq:
    case Kind::awq:
      return dtype::i32;
    case Kind::int8:
      return dtype::i8;
    default:
      return dtype::u8;
  }
}

Extent extent_of(const Scheme& s, const std::vector<std::int64_t>& shape) {
  if (s.kind == Kind::gptoss_mxfp4) {
    if (shape.size() != 4 || shape[3] != 16) return {};
    return {shape[1], shape[2] * 32, shape[0]};
  }
  if (shape.size() != 2) return {};
  switch (s.kind) {
    case Kind::nvfp4:
    case Kind::mxfp4:
      return {shape[0], shape[1] * 2};
    case Kind::mxfp6:
      return {shape[0], shape[1] / 3 * 4};
    case Kind::int_packed:
      return {shape[0], shape[1] * 32 / s.bits};
    case Kind::gptq:
      return {shape[1], shape[0] * 32 / s.bits};
    case Kind::awq:
      return {shape[1] * 32 / s.bits, shape[0]};
    default:
      return {shape[0], shape[1]};
  }
}

std::vector<PartSpec> parts_of(const Scheme& s, const Extent& e) {
  std::vector<PartSpec> parts;
  const std::string codes(codes_suffix(s));
  switch (s.kind) {
    case Kind::nvfp4:
      parts.push_back({codes, Role::codes, {dtype::u8}, {{e.rows, blocks(e.columns, 2)}}});
      parts.push_back({"weight_scale", Role::scales, {dtype::f8_e4m3}, {{e.rows, blocks(e.columns, 16)}}});
      parts.push_back({s.names == Names::modelopt ? "weight_scale_2" : "weight_global_scale",
                       Role::tensor_scale,
                       {dtype::f32},
                       scalar()});
      break;
    case Kind::mxfp4:
      parts.push_back({codes, Role::codes, {dtype::u8}, {{e.rows, blocks(e.columns, 2)}}});
      parts.push_back({"weight_scale", Role::scales, e8m0(), {{e.rows, blocks(e.columns, 32)}}});
      break;
    case Kind::mxfp6:
      parts.push_back({codes, Role::codes, {dtype::u8}, {{e.rows, blocks(e.columns * 3, 4)}}});
      parts.push_back({"weight_scale", Role::scales, e8m0(), {{e.rows, blocks(e.columns, 32)}}});
      break;
    case Kind::mxfp8:
      parts.push_back({codes, Role::codes, {dtype::f8_e4m3}, {{e.rows, e.columns}}});
      parts.push_back({"weight_scale", Role::scales, e8m0(), {{e.rows, blocks(e.columns, 32)}}});
      break;
    case Kind::int_packed:
      add_pack_quantized(parts, s, e);
      break;
    case Kind::int8: {
      parts.push_back({codes, Role::codes, {dtype::i8}, {{e.rows, e.columns}}});
      std::vector<std::vector<std::int64_t>> scales = {{e.rows, blocks(e.columns, s.group)}};
      if (s.group == 0) scales.push_back({e.rows});
      if (s.per_tensor) scales = scalar();
      parts.push_back({"weight_scale", Role::scales, wide(), scales});
      if (!s.symmetric) parts.push_back({"weight_zero_point", Role::other, {dtype::i8}, scales});
      break;
    }
    case Kind::gptq:
    case Kind::awq:
      add_gptq_awq(parts, s, e);
      break;
    case Kind::bnb4:
      parts.push_back({codes, Role::codes, {dtype::u8}, {}});
      parts.push_back({"weight.absmax", Role::scales, {dtype::f32, dtype::u8}, {}});
      parts.push_back({"weight.quant_map", Role::other, {dtype::f32}, {{16}}});
      parts.push_back({"weight.nested_absmax", Role::other, {dtype::f32}, {}, false});
      parts.push_back({"weight.nested_quant_map", Role::other, {dtype::f32}, {{256}}, false});
      break;
    case Kind::gptoss_mxfp4:
      parts.push_back({codes, Role::codes, {dtype::u8}, {{e.experts, e.rows, e.columns / 32, 16}}});
      parts.push_back({"_scales", Role::scales, e8m0(), {{e.experts, e.rows, e.columns / 32}}});
      break;
    default:
      add_fp8(parts, s, e);
  }
  add_input_scale(parts, s);
  return parts;
}

std::string_view input_scale_suffix(const Scheme& s) {
  if (s.activations != Activations::fixed) return {};
  return s.kind == Kind::nvfp4 && s.names == Names::compressed_tensors ? "input_global_scale" : "input_scale";
}

std::int64_t column_group(const Scheme& s) {
  switch (s.kind) {
    case Kind::nvfp4:
      return 16;
    case Kind::mxfp4:
    case Kind::mxfp6:
    case Kind::mxfp8:
    case Kind::gptoss_mxfp4:
      return 32;
    case Kind::fp8_block:
      return s.tile_columns;
    case Kind::int_packed:
    case Kind::int8:
    case Kind::gptq:
    case Kind::awq:
      return s.group > 0 ? s.group : 1;
    default:
      return 1;
  }
}

bool is_quantization_suffix(std::string_view suffix) {
  static constexpr std::string_view all[] = {"weight_packed",
                                             "weight_scale",
                                             "weight_scale_2",
                                             "weight_global_scale",
                                             "weight_scale_inv",
                                             "weight_shape",
                                             "weight_zero_point",
                                             "weight_g_idx",
                                             "input_scale",
                                             "input_global_scale",
                                             "input_zero_point",
                                             "pre_quant_scale",
                                             "qweight",
                                             "qzeros",
                                             "scales",
                                             "g_idx",
                                             "_blocks",
                                             "_scales",
                                             "svdquant_lora_a",
                                             "svdquant_lora_b"};
  return std::find(std::begin(all), std::end(all), suffix) != std::end(all) ||
         suffix.substr(0, 7) == "weight.";
}

bool is_known_suffix(std::string_view suffix) {
  static constexpr std::string_view all[] = {"weight",
                                             "bias",
                                             "k_scale",
                                             "v_scale",
                                             "q_scale",
                                             "output_scale",
                                             "_bias",
                                             "",
                                             "weight.absmax",
                                             "weight.quant_map",
                                             "weight.nested_absmax",
                                             "weight.nested_quant_map",
                                             "weight.quant_state.bitsandbytes__nf4",
                                             "weight.quant_state.bitsandbytes__fp4"};
  return std::find(std::begin(all), std::end(all), suffix) != std::end(all) ||
         (is_quantization_suffix(suffix) && suffix.substr(0, 7) != "weight.");
}

}  // namespace app::check
