// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// NVFP4: 4-bit floats (E2M1: 0 0.5 1 1.5 2 3 4 6 and their negatives), an E4M3 scale for every 16 values of
/// a row, a float for the tensor; 4.5 bits a value.
///
///     const auto q = nvq::quantize<nvq::NVFP4>(weights, {rows, columns});  // float, nvq::bfloat16 or nvq::half
///     q.codes();         // [rows, columns/2] bytes, even column in the low nibble
///     q.scales();        // [rows, columns/16] E4M3 bytes, decode multipliers, row-major
///     q.tensor_scale();  // decode multiplier: value = (code * scale) * tensor_scale
///     const std::vector<float> back = nvq::dequantize<float>(q);
///
/// The bytes depend on the recipe (recipe.hpp): transformer_engine unless another is named, e.g.
/// nvq::recipe::modelopt to equal NVIDIA's checkpoints or nvq::recipe::mse for the least error. Tensors that
/// share a scale are encoded against the largest amax. Engines that take swizzled scales: layout.hpp.
