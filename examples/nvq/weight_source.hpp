// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/json.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"

namespace app {

/// A matrix that can be quantized: a tensor NAME.weight of its own, or a slice of a tensor that stacks the
/// experts of a layer.
struct WeightSource {
  std::string module;  ///< Its name in the output, an expert's with the expert's number.
  const Tensor* tensor = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t first = 0;  ///< Index of the element [0, 0] within the tensor.
  /// Distance of elements, one of the two is 1: experts are often stored transposed.
  std::int64_t row_stride = 0, column_stride = 0;
  /// Which of how many slices of the stack, where they stay one tensor in the output.
  std::int64_t slice = 0, slices = 1;

  std::int64_t values() const { return rows * columns; }
  /// Bytes in the source.
  std::int64_t bytes() const { return values() * nvq::io::bits(tensor->type) / 8; }
};

/// What a stack of experts becomes.
enum class Stacks {
  split,  ///< one module per expert, gate and up apart, as engines and exporters name them
  whole,  ///< one tensor, as GPT-OSS has it
};

/// The matrices a tensor is made of; none where it is no weight. Stacks are the 3-D tensors
/// `*.experts.gate_up_proj` and `*.experts.down_proj`: [experts, out, in], or [experts, in, out] where the
/// configuration's hidden_size or family says so. `why_not` is set when a stack cannot be told apart.
std::vector<WeightSource> weight_sources(const Tensor& t, const nvq::io::json& config, Stacks stacks,
                                         std::string& why_not);

/// A value of the configuration, which multimodal models keep in text_config; nullptr when there is none.
const nvq::io::json* config_value(const nvq::io::json& config, const char* key);
/// The number there; -1 when there is none.
std::int64_t config_number(const nvq::io::json& config, const char* key);

}  // namespace app
