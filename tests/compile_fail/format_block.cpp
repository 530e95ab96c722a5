// SPDX-License-Identifier: Apache-2.0
// expect: nvq::Format: argument 2 must be a block such as nvq::Block16, nvq::Tile<16, 16> or nvq::WholeRow
#include <nvq/format.hpp>

#ifdef NVQ_CORRECT
using Shape = nvq::Block16;
#else
using Shape = nvq::ScaleE4M3;
#endif

static_assert(nvq::Format<nvq::E2M1, Shape, nvq::ScaleE4M3, nvq::TensorFP32>::has_tensor_scale, "");
