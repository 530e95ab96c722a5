// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

NVQ_BEGIN_NAMESPACE

using NVFP4 = Format<E2M1, Block16, ScaleE4M3, TensorFP32>;
using NVFP4_2D = Format<E2M1, Tile<16, 16>, ScaleE4M3, TensorFP32>;

NVQ_END_NAMESPACE
