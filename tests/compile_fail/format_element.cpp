// SPDX-License-Identifier: Apache-2.0
// expect: nvq::Format: argument 1 must be an element such as nvq::E2M1 or nvq::Int4
#include <nvq/format.hpp>

#ifdef NVQ_CORRECT
using Element = nvq::E2M1;
#else
using Element = float;
#endif

static_assert(nvq::Format<Element, nvq::Block16, nvq::ScaleE4M3, nvq::TensorFP32>::block_size == 16, "");
