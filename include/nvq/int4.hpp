// SPDX-License-Identifier: Apache-2.0
#pragma once

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

NVQ_BEGIN_NAMESPACE

template <class Scale>
using INT4_G32_With = Format<Int4, Block32, Scale, TensorNone>;
template <class Scale>
using INT4_G64_With = Format<Int4, Block64, Scale, TensorNone>;
template <class Scale>
using INT4_G128_With = Format<Int4, Block128, Scale, TensorNone>;
template <class Scale>
using INT4_Row_With = Format<Int4, WholeRow, Scale, TensorNone>;

using INT4_G32 = INT4_G32_With<ScaleFP16>;
using INT4_G64 = INT4_G64_With<ScaleFP16>;
using INT4_G128 = INT4_G128_With<ScaleFP16>;
using INT4_Row = INT4_Row_With<ScaleFP16>;

template <class Scale>
using INT4_G32_ZP_With = Format<UInt4, Block32, Affine<Scale>, TensorNone>;
template <class Scale>
using INT4_G64_ZP_With = Format<UInt4, Block64, Affine<Scale>, TensorNone>;
template <class Scale>
using INT4_G128_ZP_With = Format<UInt4, Block128, Affine<Scale>, TensorNone>;

using INT4_G32_ZP = INT4_G32_ZP_With<ScaleFP16>;
using INT4_G64_ZP = INT4_G64_ZP_With<ScaleFP16>;
using INT4_G128_ZP = INT4_G128_ZP_With<ScaleFP16>;

NVQ_END_NAMESPACE
