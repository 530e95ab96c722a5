// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/span.hpp>
#include <vector>

#include "plan.hpp"
#include "tensor_io.hpp"

namespace app {

/// Values that share a scale, where scales are double-quantized.
constexpr std::int64_t nested_block = 64;

/// How the error of a block depends on its scale, which changes when it is quantized in its turn: sums over the
/// block of error times decoded value, and of decoded value squared, both in units of the scale.
struct ScaledError {
  float cross = 0, square = 0;
};

/// Those of whole blocks, from values, what they were decoded to, and scales, F32 one a block.
void scaled_errors(const std::vector<float>& values, const std::vector<float>& back,
                   nvq::span<const std::uint8_t> scales, ScaledError* out);

/// Quantizes the scales of a weight once more and writes all that follows from them. The noise
/// that is added by it.
double write_nested(const Work& work, nvq::span<const std::uint8_t> scales,
                    nvq::span<const ScaledError> errors, const OutputFile& out);

}  // namespace app
