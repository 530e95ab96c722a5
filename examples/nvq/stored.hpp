// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nvq/io/dialect_parts.hpp>
#include <nvq/io/quantization.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint.hpp"

namespace app {

/// A quantized weight found in a checkpoint, or one expert's of a stack.
struct StoredWeight {
  std::string module;
  nvq::io::weight_scheme scheme;
  std::int64_t rows = 0, columns = 0;
  nvq::io::dtype wide = nvq::io::dtype::f32;  ///< of wide scales
  std::int64_t slice = 0, slices = 1;         ///< which expert of how many that share the tensors
  float nested_mean = 0;                      ///< of scales that are double-quantized
  std::vector<std::pair<nvq::io::part, const Tensor*>> parts;

  /// nullptr when the weight has no such part.
  const Tensor* find(nvq::io::part what) const;
};

/// Whether a checkpoint says that it is quantized.
bool says_quantized(const Checkpoint& checkpoint);

/// How it says so: in config.json, or in hf_quant_config.json where that has nothing. A
/// Failure when neither does, or when it is unknown here.
nvq::io::quantization stored_quantization(const Checkpoint& checkpoint);

/// The quantized weights by module; experts of a stack as MODULE[EXPERT]. A Failure names the first whose
/// tensors do not have the names, dtypes and shapes of its scheme. Scales of activations may be missing: they
/// do not matter for the weights.
std::map<std::string, StoredWeight> stored_weights(const Checkpoint& checkpoint,
                                                   const nvq::io::quantization& quantization);

}  // namespace app
