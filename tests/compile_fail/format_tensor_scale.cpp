// SPDX-License-Identifier: Apache-2.0
// expect: nvq::Format: argument 4 must be nvq::TensorFP32 or nvq::TensorNone
#include <nvq/format.hpp>

#ifdef NVQ_CORRECT
using TensorScale = nvq::TensorFP32;
#else
using TensorScale = float;
#endif

static_assert(nvq::Format<nvq::E2M1, nvq::Block16, nvq::ScaleE4M3, TensorScale>::block_size == 16, "");
