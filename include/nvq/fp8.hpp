// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// FP8 under float scales, which are decode multipliers: one for the tensor, a row, 128 values of a row, or a
/// 128 x 128 tile (DeepSeek); the _UE8M0 twins hold them as powers of two (DeepGEMM). E4M3 is E4M3FN: largest
/// value 448, no infinity.
///
///     const auto q = nvq::quantize<nvq::FP8_E4M3_128x128>(weights, {rows, columns});
///     q.scales();  // float, [ceil(rows/128), ceil(columns/128)]
///
/// Recipes: amax (default, x / (amax / 448)), and the engines' own: vllm, trtllm, deepseek, deepgemm,
/// transformer_engine, compressed_tensors.
