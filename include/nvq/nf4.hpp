// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

/// \file
/// NF4 (QLoRA, bitsandbytes): the 16 quantiles of a normal distribution scaled by the absolute maximum of 64
/// values; 4.5 bits a value. Codes are packed as everywhere in nvq, even column in the low nibble;
/// bitsandbytes' files have it in the high one.

NVQ_BEGIN_NAMESPACE

using NF4 = Format<NormalFloat4, Block64, ScaleFP32, TensorNone>;
/// With scales that are quantized once more (ScaleFP32DQ says how they lie in scales()); 4.127 bits a value.
using NF4_DQ = Format<NormalFloat4, Block64, ScaleFP32DQ, TensorNone>;

NVQ_END_NAMESPACE
