// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// INT4 in groups along the row. Symmetric: two's complement nibbles, value = code * scale. With zero points
/// (_ZP): unsigned nibbles, value = (code - zero_point) * scale. Scales are binary16 unless another type is
/// named: INT4_G128_With<ScaleBF16>.
///
///     const auto q = nvq::quantize<nvq::INT4_G128>(weights, {rows, columns}, nvq::recipe::mse);
///     const auto z = nvq::quantize<nvq::INT4_G128_ZP>(weights, {rows, columns});
///     z.zero_points();  // one byte a group, in the order of z.scales()
///
/// Recipes: amax (default, [-7, 7]), signed_max (uses -8), mse, compressed_tensors, ggml; with zero points
/// asymmetric (default), gptq, awq. Engines' packings of the codes (Marlin, AWQ, GPTQ): layout.hpp.
