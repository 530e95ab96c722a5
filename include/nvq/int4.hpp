// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/tensor.hpp>

NVQ_BEGIN_NAMESPACE

using INT4_G128 = Format<Int4, Block128, ScaleFP16, TensorNone>;

NVQ_END_NAMESPACE
