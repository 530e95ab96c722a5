// SPDX-License-Identifier: Apache-2.0
// expect: nvq::Format: argument 3 must be a block scale such as nvq::ScaleE4M3
#include <nvq/format.hpp>

#ifdef NVQ_CORRECT
using Scale = nvq::ScaleE4M3;
#else
using Scale = nvq::E4M3;  // an element, not a scale
#endif

static_assert(nvq::Format<nvq::E2M1, nvq::Block16, Scale, nvq::TensorFP32>::block_size == 16, "");
