// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/format.hpp>

// The formats nvq ships, by name, without the functions that work on whole tensors: what device headers
// include. Each is described in the front header of its family (nvfp4.hpp ...).

NVQ_BEGIN_NAMESPACE

using NVFP4 = Format<E2M1, Block16, ScaleE4M3, TensorFP32>;
/// One block scale for 16 x 16 values, so that a matrix and its transpose decode alike (NVIDIA's training
/// recipe for weights).
using NVFP4_2D = Format<E2M1, Tile<16, 16>, ScaleE4M3, TensorFP32>;

using MXFP4 = Format<E2M1, Block32, ScaleE8M0, TensorNone>;

using MXFP6_E2M3 = Format<E2M3, Block32, ScaleE8M0, TensorNone>;
using MXFP6_E3M2 = Format<E3M2, Block32, ScaleE8M0, TensorNone>;

using MXFP8_E4M3 = Format<E4M3, Block32, ScaleE8M0, TensorNone>;
using MXFP8_E5M2 = Format<E5M2, Block32, ScaleE8M0, TensorNone>;

using FP8_E4M3 = Format<E4M3, WholeTensor, ScaleFP32, TensorNone>;
using FP8_E5M2 = Format<E5M2, WholeTensor, ScaleFP32, TensorNone>;
using FP8_E4M3_Row = Format<E4M3, WholeRow, ScaleFP32, TensorNone>;
using FP8_E4M3_1x128 = Format<E4M3, Block128, ScaleFP32, TensorNone>;
using FP8_E4M3_128x128 = Format<E4M3, Tile<128, 128>, ScaleFP32, TensorNone>;
using FP8_E4M3_1x128_UE8M0 = Format<E4M3, Block128, ScaleE8M0, TensorNone>;
using FP8_E4M3_128x128_UE8M0 = Format<E4M3, Tile<128, 128>, ScaleE8M0, TensorNone>;

using INT8 = Format<Int8, WholeTensor, ScaleFP32, TensorNone>;
using INT8_Row = Format<Int8, WholeRow, ScaleFP32, TensorNone>;
using INT8_G128 = Format<Int8, Block128, ScaleFP32, TensorNone>;

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

using NF4 = Format<NormalFloat4, Block64, ScaleFP32, TensorNone>;
/// With scales that are quantized once more (ScaleFP32DQ says how they lie in scales()); 4.127 bits a value.
using NF4_DQ = Format<NormalFloat4, Block64, ScaleFP32DQ, TensorNone>;

NVQ_END_NAMESPACE
