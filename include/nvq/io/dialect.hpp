// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/io/dtype.hpp>
#include <nvq/io/expected.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How quantized weights lie in a checkpoint: which tensors stand for one weight, their dtypes and shapes,
/// and what each holds. Pure functions of a scheme and a shape; the JSON beside them is in
/// io/dialect_json.hpp.
///
/// Sources: vllm-project/compressed-tensors 0.20.0 (`compressors/*/base.py`, `quantization/quant_scheme.py`),
/// NVIDIA Model Optimizer 0.47.0 (`modelopt/torch/export/`).
NVQ_BEGIN_NAMESPACE
namespace io {

/// Who defined the names and the JSON.
enum class dialect : std::uint8_t { compressed_tensors, modelopt };

/// What a weight is made of.
enum class weight_kind : std::uint8_t {
  nvfp4,         ///< E2M1, an E4M3 scale per 16, a float per tensor
  mxfp4,         ///< E2M1, an E8M0 scale per 32
  mxfp6,         ///< E2M3, an E8M0 scale per 32
  mxfp8,         ///< E4M3, an E8M0 scale per 32
  fp8_tensor,    ///< E4M3, a scale per tensor
  fp8_channel,   ///< E4M3, a scale per row
  fp8_block,     ///< E4M3, a scale per 128 x 128 tile
  int8_channel,  ///< two's complement bytes, a scale per row
  int4_group,    ///< 4-bit integers, a scale per group of the row
  int4_channel,  ///< 4-bit integers, a scale per row
};

/// A dialect's way to store a kind of weight.
struct weight_scheme {
  dialect owner = dialect::compressed_tensors;
  weight_kind kind = weight_kind::nvfp4;
  int group = 0;                     ///< int4_group: values of a row that share a scale.
  bool dynamic_activations = false;  ///< The engine quantizes activations as it runs; false is weight-only.
};

/// What a stored tensor holds.
enum class part : std::uint8_t {
  codes,         ///< the codes, each row LSB-first from a byte boundary
  offset_codes,  ///< the same with every 4-bit integer stored as value + 8, rows padded to 32-bit words
  block_scales,  ///< decode multipliers of blocks
  multiplier,    ///< the tensor's decode multiplier, amax / (448 * 6)
  divisor,       ///< its other direction, (448 * 6) / amax: decoding divides by it
  shape,         ///< rows and columns
};

/// One of the tensors that stand for a weight: its name is the module's plus "." plus `suffix`.
struct stored_part {
  const char* suffix;
  dtype type;
  std::vector<std::int64_t> shape;
  part what;
};

inline const char* name(dialect d) noexcept {
  return d == dialect::modelopt ? "modelopt" : "compressed-tensors";
}

/// Columns that share a scale: the columns of a weight must be a multiple of it. 1 when any number will do.
inline int column_multiple(const weight_scheme& s) noexcept {
  switch (s.kind) {
    case weight_kind::nvfp4:
      return 16;
    case weight_kind::mxfp4:
    case weight_kind::mxfp6:
    case weight_kind::mxfp8:
      return 32;
    case weight_kind::int4_group:
      return s.group;
    case weight_kind::fp8_block:
      return s.owner == dialect::modelopt ? 128 : 1;
    default:
      return 1;
  }
}

/// Rows must be a multiple of this: Model Optimizer's block FP8 has no partial tiles.
inline int row_multiple(const weight_scheme& s) noexcept {
  return s.kind == weight_kind::fp8_block && s.owner == dialect::modelopt ? 128 : 1;
}

/// Whether the weights of a group of layers that an engine fuses (q/k/v, gate/up) must share the tensor's
/// scale.
inline bool shares_tensor_scale(const weight_scheme& s) noexcept {
  return s.kind == weight_kind::nvfp4 || s.kind == weight_kind::fp8_tensor;
}

/// What engines run the activations of such a checkpoint with, unless it says otherwise: weight-only where
/// they have kernels for it and the common presets of the dialect do, quantized as they go where those do.
inline bool usual_activations(dialect owner, weight_kind kind) noexcept {
  switch (kind) {
    case weight_kind::fp8_channel:
    case weight_kind::int8_channel:
      return true;
    case weight_kind::fp8_block:
      return owner == dialect::compressed_tensors;
    case weight_kind::mxfp8:
      return owner == dialect::modelopt;
    default:
      return false;
  }
}

/// Refuses what a dialect cannot express, with the reason.
inline expected<void> check(const weight_scheme& s) {
  if (s.kind == weight_kind::nvfp4 && s.dynamic_activations)
    return error{
        "NVFP4 activations need a calibrated scale per layer, which is not supported; use weight-only NVFP4"};
  if (s.kind == weight_kind::int4_group || s.kind == weight_kind::int4_channel) {
    if (s.dynamic_activations) return error{"INT4 weights are served with 16-bit activations only; use none"};
  }
  if (s.owner != dialect::modelopt) return {};
  if (s.dynamic_activations != usual_activations(s.owner, s.kind))
    return error{
        "the modelopt dialect has no such activations for this format; leave them out, or use the dialect "
        "compressed-tensors"};
  switch (s.kind) {
    case weight_kind::fp8_tensor:
      return error{
          "modelopt's FP8 needs a calibrated input_scale per layer; use fp8_row, or the dialect "
          "compressed-tensors"};
    case weight_kind::mxfp4:
    case weight_kind::mxfp6:
    case weight_kind::int8_channel:
    case weight_kind::int4_group:
    case weight_kind::int4_channel:
      return error{"no engine loads this format in the modelopt dialect; use the dialect compressed-tensors"};
    default:
      return {};
  }
}

/// The tensors that stand for a weight of [rows, columns]. `wide` is the dtype of 16- or 32-bit scales where
/// the dialect leaves a choice: the model's own.
inline std::vector<stored_part> parts(const weight_scheme& s, std::int64_t rows, std::int64_t columns,
                                      dtype wide) {
  const auto blocks = [](std::int64_t n, std::int64_t block) { return (n + block - 1) / block; };
  const bool modelopt = s.owner == dialect::modelopt;
  const char* packed = modelopt ? "weight" : "weight_packed";
  switch (s.kind) {
    case weight_kind::nvfp4:
      if (modelopt)
        return {{"weight", dtype::u8, {rows, blocks(columns, 2)}, part::codes},
                {"weight_scale", dtype::f8_e4m3, {rows, blocks(columns, 16)}, part::block_scales},
                {"weight_scale_2", dtype::f32, {}, part::multiplier}};
      return {{"weight_packed", dtype::u8, {rows, blocks(columns, 2)}, part::codes},
              {"weight_scale", dtype::f8_e4m3, {rows, blocks(columns, 16)}, part::block_scales},
              {"weight_global_scale", dtype::f32, {1}, part::divisor}};
    case weight_kind::mxfp4:
      return {{packed, dtype::u8, {rows, blocks(columns, 2)}, part::codes},
              {"weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::mxfp6:
      return {{packed, dtype::u8, {rows, blocks(columns * 6, 8)}, part::codes},
              {"weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::mxfp8:
      return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {"weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::fp8_tensor:
      return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {"weight_scale", wide, {1}, part::block_scales}};
    case weight_kind::fp8_channel:
      if (modelopt)
        return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
                {"weight_scale", dtype::f32, {rows}, part::block_scales}};
      return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {"weight_scale", wide, {rows, 1}, part::block_scales}};
    case weight_kind::fp8_block:
      if (modelopt)
        return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
                {"weight_scale",
                 dtype::f32,
                 {blocks(rows, 128), 1, blocks(columns, 128), 1},
                 part::block_scales}};
      return {{"weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {"weight_scale", wide, {blocks(rows, 128), blocks(columns, 128)}, part::block_scales}};
    case weight_kind::int8_channel:
      return {{"weight", dtype::i8, {rows, columns}, part::codes},
              {"weight_scale", wide, {rows, 1}, part::block_scales}};
    case weight_kind::int4_group:
    case weight_kind::int4_channel:
      return {{"weight_packed", dtype::i32, {rows, blocks(columns, 8)}, part::offset_codes},
              {"weight_scale",
               wide,
               {rows, s.kind == weight_kind::int4_group ? blocks(columns, s.group) : 1},
               part::block_scales},
              {"weight_shape", dtype::i64, {2}, part::shape}};
  }
  return {};
}

/// Every suffix a quantized weight's tensors may have, the packed weight itself first.
inline const std::array<const char*, 7>& weight_suffixes() noexcept {
  static constexpr std::array<const char*, 7> all = {
      "weight_packed",       "weight",       "weight_scale",     "weight_scale_2",
      "weight_global_scale", "weight_shape", "weight_zero_point"};
  return all;
}

}  // namespace io
NVQ_END_NAMESPACE
