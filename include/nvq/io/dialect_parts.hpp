// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/dialect.hpp>
#include <nvq/io/dtype.hpp>
#include <string>
#include <utility>
#include <vector>

/// Which tensors stand for one weight in a checkpoint, their dtypes and shapes, and what each holds: pure
/// functions of a scheme and a shape.
NVQ_BEGIN_NAMESPACE
namespace io {

/// What a stored tensor holds.
enum class part : std::uint8_t {
  codes,               ///< the codes, each row LSB-first from a byte boundary
  offset_codes,        ///< 4-bit integers stored as value + 8 (unsigned ones as they are), rows padded to
                       ///< 32-bit words: compressed-tensors' pack-quantized
  gptq_codes,          ///< layout::GptqWeights of unsigned codes
  awq_codes,           ///< layout::AwqWeights
  high_first_codes,    ///< bitsandbytes: codes, even column in the high nibble
  block_scales,        ///< decode multipliers of blocks, row-major; double-quantized ones as their codes
  group_major_scales,  ///< the same transposed, [groups, rows]
  zero_points,         ///< layout::PackQuantizedZeros
  gptq_zeros,          ///< layout::GptqZeros of the dialect's version
  awq_zeros,           ///< layout::AwqZeros
  group_index,         ///< the group of each column: column / group
  multiplier,          ///< the tensor's decode multiplier, amax / (448 * 6)
  divisor,             ///< its other direction, (448 * 6) / amax: decoding divides by it
  input_multiplier,    ///< of the activations, in the same two directions
  input_divisor,
  shape,           ///< rows and columns
  quant_map,       ///< bitsandbytes: the 16 values of NF4
  nested_factors,  ///< of double-quantized block scales: a float for 256 of them
  nested_map,      ///< the 256 values that their codes stand for
  quant_state,     ///< bitsandbytes: JSON text
};

/// One of the tensors that stand for a weight: its name is the module's plus `suffix`.
struct stored_part {
  const char* suffix;
  dtype type;
  std::vector<std::int64_t> shape;
  part what;
};

/// The longest that Python writes a float32 of 0 or more: 1.1754943508222875e-38.
constexpr std::size_t longest_offset = 22;

/// The JSON text in bitsandbytes' quant_state of a weight. `nested_offset` is the mean of double-quantized scales as
/// JSON has it, empty where they are not. Spaces fill the text up to one length for all means, so that the place
/// of every tensor in a file is known before the mean is.
inline std::string quant_state_text(std::int64_t rows, std::int64_t columns, dtype weights,
                                    const std::string& nested_offset = {}) {
  const char* type = weights == dtype::bf16 ? "bfloat16" : weights == dtype::f16 ? "float16" : "float32";
  std::string text = std::string(R"({"quant_type": "nf4", "blocksize": 64, "dtype": ")") + type +
                     R"(", "shape": [)" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
  if (nested_offset.empty()) return text + "}";
  text += R"(, "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": )" + nested_offset + "}";
  if (nested_offset.size() < longest_offset) text.append(longest_offset - nested_offset.size(), ' ');
  return text;
}

namespace detail {

inline std::int64_t blocks(std::int64_t n, std::int64_t block) noexcept { return (n + block - 1) / block; }

inline std::vector<stored_part> parts_compressed_tensors(const weight_scheme& s, std::int64_t rows,
                                                         std::int64_t columns, dtype wide) {
  const bool calibrated = s.activations == activation_kind::calibrated;
  switch (s.kind) {
    case weight_kind::nvfp4: {
      std::vector<stored_part> all = {
          {".weight_packed", dtype::u8, {rows, blocks(columns, 2)}, part::codes},
          {".weight_scale", dtype::f8_e4m3, {rows, blocks(columns, 16)}, part::block_scales},
          {".weight_global_scale", dtype::f32, {1}, part::divisor}};
      if (calibrated) all.push_back({".input_global_scale", dtype::f32, {1}, part::input_divisor});
      return all;
    }
    case weight_kind::mxfp4:
      return {{".weight_packed", dtype::u8, {rows, blocks(columns, 2)}, part::codes},
              {".weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::mxfp6:
      return {{".weight_packed", dtype::u8, {rows, blocks(columns * 6, 8)}, part::codes},
              {".weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::mxfp8:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::fp8_tensor: {
      std::vector<stored_part> all = {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
                                      {".weight_scale", wide, {1}, part::block_scales}};
      if (calibrated) all.push_back({".input_scale", dtype::f32, {1}, part::input_multiplier});
      return all;
    }
    case weight_kind::fp8_channel:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", wide, {rows, 1}, part::block_scales}};
    case weight_kind::fp8_block:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", wide, {blocks(rows, 128), blocks(columns, 128)}, part::block_scales}};
    case weight_kind::int8_channel:
      return {{".weight", dtype::i8, {rows, columns}, part::codes},
              {".weight_scale", wide, {rows, 1}, part::block_scales}};
    case weight_kind::int4_group:
    case weight_kind::int4_channel: {
      const std::int64_t groups = s.kind == weight_kind::int4_group ? blocks(columns, s.group) : 1;
      std::vector<stored_part> all = {
          {".weight_packed", dtype::i32, {rows, blocks(columns, 8)}, part::offset_codes},
          {".weight_scale", wide, {rows, groups}, part::block_scales}};
      if (s.zero_points)
        all.push_back({".weight_zero_point", dtype::i32, {blocks(rows, 8), groups}, part::zero_points});
      all.push_back({".weight_shape", dtype::i64, {2}, part::shape});
      return all;
    }
    case weight_kind::nf4:
      break;
  }
  return {};
}

inline std::vector<stored_part> parts_modelopt(const weight_scheme& s, std::int64_t rows,
                                               std::int64_t columns) {
  switch (s.kind) {
    case weight_kind::nvfp4: {
      std::vector<stored_part> all = {
          {".weight", dtype::u8, {rows, blocks(columns, 2)}, part::codes},
          {".weight_scale", dtype::f8_e4m3, {rows, blocks(columns, 16)}, part::block_scales},
          {".weight_scale_2", dtype::f32, {}, part::multiplier}};
      if (s.activations == activation_kind::calibrated)
        all.push_back({".input_scale", dtype::f32, {}, part::input_multiplier});
      return all;
    }
    case weight_kind::mxfp8:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case weight_kind::fp8_tensor:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", dtype::f32, {}, part::block_scales},
              {".input_scale", dtype::f32, {}, part::input_multiplier}};
    case weight_kind::fp8_channel:
      return {{".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
              {".weight_scale", dtype::f32, {rows}, part::block_scales}};
    case weight_kind::fp8_block:
      return {
          {".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
          {".weight_scale", dtype::f32, {blocks(rows, 128), 1, blocks(columns, 128), 1}, part::block_scales}};
    default:
      return {};
  }
}

inline std::vector<stored_part> parts_bitsandbytes(const weight_scheme& s, std::int64_t rows,
                                                   std::int64_t columns, dtype weights) {
  const std::int64_t scales = rows * blocks(columns, 64);
  std::vector<stored_part> all = {
      {".weight", dtype::u8, {rows * blocks(columns, 2), 1}, part::high_first_codes},
      {".weight.absmax", s.double_quant ? dtype::u8 : dtype::f32, {scales}, part::block_scales},
      {".weight.quant_map", dtype::f32, {16}, part::quant_map}};
  if (s.double_quant) {
    all.push_back({".weight.nested_absmax", dtype::f32, {blocks(scales, 256)}, part::nested_factors});
    all.push_back({".weight.nested_quant_map", dtype::f32, {256}, part::nested_map});
  }
  const std::string state = quant_state_text(rows, columns, weights, s.double_quant ? "0.0" : "");
  all.push_back({".weight.quant_state.bitsandbytes__nf4",
                 dtype::u8,
                 {static_cast<std::int64_t>(state.size())},
                 part::quant_state});
  return all;
}

}  // namespace detail

/// The tensors that stand for a weight of [rows, columns], the codes first. `wide` is the dtype of 16- or
/// 32-bit scales where the dialect leaves a choice: the model's own. The tensors of gpt-oss are those of one
/// expert; a checkpoint has one of each for all experts, with their number in front of the shape.
inline std::vector<stored_part> parts(const weight_scheme& s, std::int64_t rows, std::int64_t columns,
                                      dtype wide) {
  using detail::blocks;
  const std::int64_t groups = s.group > 0 ? blocks(columns, s.group) : 1;
  switch (s.owner) {
    case dialect::compressed_tensors:
      return detail::parts_compressed_tensors(s, rows, columns, wide);
    case dialect::modelopt:
      return detail::parts_modelopt(s, rows, columns);
    case dialect::deepseek:
      return {
          {".weight", dtype::f8_e4m3, {rows, columns}, part::codes},
          {".weight_scale_inv", dtype::f32, {blocks(rows, 128), blocks(columns, 128)}, part::block_scales}};
    case dialect::gpt_oss:
      return {{"_blocks", dtype::u8, {rows, blocks(columns, 32), 16}, part::codes},
              {"_scales", dtype::u8, {rows, blocks(columns, 32)}, part::block_scales}};
    case dialect::gptq:
    case dialect::gptq_v2:
      return {{".qweight", dtype::i32, {blocks(columns, 8), rows}, part::gptq_codes},
              {".qzeros", dtype::i32, {groups, blocks(rows, 8)}, part::gptq_zeros},
              {".scales", dtype::f16, {groups, rows}, part::group_major_scales},
              {".g_idx", dtype::i32, {columns}, part::group_index}};
    case dialect::awq:
      return {{".qweight", dtype::i32, {columns, blocks(rows, 8)}, part::awq_codes},
              {".qzeros", dtype::i32, {groups, blocks(rows, 8)}, part::awq_zeros},
              {".scales", dtype::f16, {groups, rows}, part::group_major_scales}};
    case dialect::bitsandbytes:
      return detail::parts_bitsandbytes(s, rows, columns, wide);
  }
  return {};
}

}  // namespace io
NVQ_END_NAMESPACE
