// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

NVQ_BEGIN_NAMESPACE

using FP8_E4M3 = Format<E4M3, WholeTensor, ScaleFP32, TensorNone>;

NVQ_END_NAMESPACE
