// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/io/expected.hpp>
#include <string>

/// How quantized weights are told to engines: who defined the names (dialect), what a weight is made of
/// (weight_kind), and which pairs of the two exist. Which tensors these are: io/dialect_parts.hpp; the JSON
/// beside them: io/dialect_json.hpp.
///
/// Sources: vllm-project/compressed-tensors 0.20.0 (`compressors/*/base.py`, `quantization/quant_scheme.py`),
/// NVIDIA Model Optimizer 0.47.0 (`modelopt/torch/export/`), DeepSeek-V3 and transformers 5
/// (`integrations/finegrained_fp8.py`, `integrations/mxfp4.py`), GPTQModel 7.3, AutoAWQ, bitsandbytes 0.49.
NVQ_BEGIN_NAMESPACE
namespace io {

/// Who defined the names and the JSON.
enum class dialect : std::uint8_t {
  compressed_tensors,
  modelopt,
  deepseek,      ///< `quant_method: fp8`, DeepSeek-V3's block FP8
  gpt_oss,       ///< `quant_method: mxfp4`, the experts of GPT-OSS
  gptq,          ///< checkpoint_format "gptq": zero points stored as z - 1
  gptq_v2,       ///< checkpoint_format "gptq_v2": zero points stored as they are
  awq,           ///< version "gemm"
  bitsandbytes,  ///< load_in_4bit with quant type nf4
};

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
  nf4,           ///< quantiles of the normal distribution, an absolute maximum per 64
};

/// What an engine does with the activations that meet a quantized weight.
enum class activation_kind : std::uint8_t {
  none,        ///< nothing: weight-only
  dynamic,     ///< quantizes them as it runs
  calibrated,  ///< quantizes them by a scale that stands in the checkpoint beside the weight
};

/// A dialect's way to store a kind of weight.
struct weight_scheme {
  dialect owner = dialect::compressed_tensors;
  weight_kind kind = weight_kind::nvfp4;
  int group = 0;             ///< int4_group: values of a row that share a scale.
  bool zero_points = false;  ///< int4_group: codes are unsigned, with a zero point per group.
  activation_kind activations = activation_kind::none;
  bool double_quant = false;  ///< nf4: the absolute maxima are quantized once more, as 8-bit codes.

  friend bool operator==(const weight_scheme& a, const weight_scheme& b) noexcept {
    return a.owner == b.owner && a.kind == b.kind && a.group == b.group && a.zero_points == b.zero_points &&
           a.activations == b.activations && a.double_quant == b.double_quant;
  }
  friend bool operator!=(const weight_scheme& a, const weight_scheme& b) noexcept { return !(a == b); }
};

inline const char* name(dialect d) noexcept {
  switch (d) {
    case dialect::compressed_tensors:
      return "compressed-tensors";
    case dialect::modelopt:
      return "modelopt";
    case dialect::deepseek:
      return "deepseek";
    case dialect::gpt_oss:
      return "gpt-oss";
    case dialect::gptq:
      return "gptq";
    case dialect::gptq_v2:
      return "gptq_v2";
    case dialect::awq:
      return "awq";
    case dialect::bitsandbytes:
      return "bitsandbytes";
  }
  return "";
}

/// Columns that share a scale, or that one word of codes holds: the columns of a weight must be a multiple of
/// it. 1 when any number will do.
inline int column_multiple(const weight_scheme& s) noexcept {
  switch (s.kind) {
    case weight_kind::nvfp4:
      return 16;
    case weight_kind::mxfp4:
    case weight_kind::mxfp6:
    case weight_kind::mxfp8:
      return 32;
    case weight_kind::nf4:
      return 64;
    case weight_kind::int4_group:
      return s.group;
    case weight_kind::fp8_block:
      return s.owner == dialect::modelopt ? 128 : 1;
    default:
      return 1;
  }
}

/// Rows must be a multiple of this: Model Optimizer's block FP8 has no partial tiles, and GPTQ and AWQ pack
/// the zero points of eight rows into a word.
inline int row_multiple(const weight_scheme& s) noexcept {
  switch (s.owner) {
    case dialect::modelopt:
      return s.kind == weight_kind::fp8_block ? 128 : 1;
    case dialect::gptq:
    case dialect::gptq_v2:
    case dialect::awq:
      return 8;
    default:
      return 1;
  }
}

/// Whether the weights of a group of layers that an engine fuses (q/k/v, gate/up) must share the tensor's
/// scale.
inline bool shares_tensor_scale(const weight_scheme& s) noexcept {
  return s.kind == weight_kind::nvfp4 || s.kind == weight_kind::fp8_tensor;
}

/// What engines run the activations of such a checkpoint with, unless it says otherwise: weight-only where
/// they have kernels for it and the common presets of the dialect do, quantized as they go where those do.
inline activation_kind usual_activations(dialect owner, weight_kind kind) noexcept {
  const auto dynamic = [](bool yes) { return yes ? activation_kind::dynamic : activation_kind::none; };
  switch (kind) {
    case weight_kind::fp8_channel:
    case weight_kind::int8_channel:
      return activation_kind::dynamic;
    case weight_kind::fp8_block:
      return dynamic(owner != dialect::modelopt);
    case weight_kind::mxfp8:
      return dynamic(owner == dialect::modelopt);
    case weight_kind::fp8_tensor:
      return owner == dialect::modelopt ? activation_kind::calibrated : activation_kind::none;
    default:
      return activation_kind::none;
  }
}

namespace detail {

inline expected<void> check_compressed_tensors(const weight_scheme& s) {
  if (s.kind == weight_kind::nf4) return error{"NF4 is a format of the dialect bitsandbytes"};
  const bool int4 = s.kind == weight_kind::int4_group || s.kind == weight_kind::int4_channel;
  if (int4 && s.activations != activation_kind::none)
    return error{"INT4 weights are served with 16-bit activations only; use none"};
  if (s.kind == weight_kind::nvfp4 && s.activations == activation_kind::dynamic)
    return error{
        "NVFP4 activations need a calibrated scale per layer; give a file of activation scales or a "
        "constant, "
        "or use none"};
  const bool calibrated = s.activations == activation_kind::calibrated;
  if (calibrated && s.kind != weight_kind::nvfp4 && s.kind != weight_kind::fp8_tensor)
    return error{"only nvfp4 and fp8 take calibrated activation scales; use dynamic or none"};
  return {};
}

inline expected<void> check_modelopt(const weight_scheme& s) {
  switch (s.kind) {
    case weight_kind::fp8_tensor:
      if (s.activations != activation_kind::calibrated)
        return error{
            "modelopt's FP8 has a calibrated input_scale per layer; give a file of activation scales or a "
            "constant, or use fp8_row, or the dialect compressed-tensors"};
      return {};
    case weight_kind::nvfp4:
      if (s.activations == activation_kind::dynamic)
        return error{
            "NVFP4 activations need a calibrated scale per layer; give a file of activation scales or a "
            "constant, or use none"};
      return {};
    case weight_kind::mxfp8:
    case weight_kind::fp8_channel:
    case weight_kind::fp8_block:
      if (s.activations != usual_activations(s.owner, s.kind))
        return error{
            "the modelopt dialect has no such activations for this format; leave them out, or use the "
            "dialect "
            "compressed-tensors"};
      return {};
    default:
      return error{"no engine loads this format in the modelopt dialect; use the dialect compressed-tensors"};
  }
}

}  // namespace detail

/// Refuses what a dialect cannot express, with the reason.
inline expected<void> check(const weight_scheme& s) {
  if (s.zero_points && s.kind != weight_kind::int4_group)
    return error{"zero points are a matter of 4-bit integers in groups"};
  if (s.double_quant && s.kind != weight_kind::nf4) return error{"double quantization is a matter of NF4"};
  const auto only = [&s](weight_kind kind, activation_kind activations,
                         const char* format) -> expected<void> {
    if (s.kind == kind && s.activations == activations) return {};
    if (s.kind == kind)
      return error{std::string("the dialect ") + name(s.owner) + " has other activations: " +
                   (activations == activation_kind::none ? "none" : "dynamic") + "; leave them out"};
    return error{std::string("the dialect ") + name(s.owner) + " stores " + format + " and nothing else"};
  };
  switch (s.owner) {
    case dialect::compressed_tensors:
      return detail::check_compressed_tensors(s);
    case dialect::modelopt:
      return detail::check_modelopt(s);
    case dialect::deepseek:
      return only(weight_kind::fp8_block, activation_kind::dynamic, "FP8 in tiles of 128 x 128 (fp8_block)");
    case dialect::gpt_oss:
      return only(weight_kind::mxfp4, activation_kind::none, "MXFP4 experts (mxfp4)");
    case dialect::gptq:
    case dialect::gptq_v2:
      return only(weight_kind::int4_group, activation_kind::none, "4-bit integers in groups (int4, int4_zp)");
    case dialect::awq:
      if (s.kind == weight_kind::int4_group && !s.zero_points)
        return error{
            "the dialect awq has zero points: use int4_zp; for symmetric weights use gptq or "
            "compressed-tensors"};
      return only(weight_kind::int4_group, activation_kind::none,
                  "4-bit integers with zero points (int4_zp)");
    case dialect::bitsandbytes:
      return only(weight_kind::nf4, activation_kind::none, "NF4 (nf4, nf4_dq)");
  }
  return {};
}

}  // namespace io
NVQ_END_NAMESPACE
