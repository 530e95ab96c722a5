// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

NVQ_BEGIN_NAMESPACE

using MXFP4 = Format<E2M1, Block32, ScaleE8M0, TensorNone>;

NVQ_END_NAMESPACE
