// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

/// \file
/// INT8, symmetric: two's complement bytes under a float scale of the tensor, a row or 128 values of a row.
/// Recipes: amax (default, [-127, 127]), signed_max (down to -128), mse, vllm, compressed_tensors.

NVQ_BEGIN_NAMESPACE

using INT8 = Format<Int8, WholeTensor, ScaleFP32, TensorNone>;
using INT8_Row = Format<Int8, WholeRow, ScaleFP32, TensorNone>;
using INT8_G128 = Format<Int8, Block128, ScaleFP32, TensorNone>;

NVQ_END_NAMESPACE
