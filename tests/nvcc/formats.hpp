// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/formats.hpp>
#include <tuple>

/// One format of each way to compute. With NVQ_EVERYTHING, for ./run cuda-matrix, kernels are of all formats and of whole
/// blocks; without, of what brings every operation into the generated code at a fifth of the time.
using Families = std::tuple<nvq::NVFP4, nvq::MXFP4, nvq::MXFP6_E2M3, nvq::MXFP6_E3M2, nvq::MXFP8_E4M3,
                            nvq::FP8_E4M3_1x128, nvq::FP8_E5M2, nvq::INT8_G128, nvq::INT4_G32,
                            nvq::INT4_G32_With<nvq::ScaleBF16>, nvq::INT4_G32_ZP, nvq::NF4>;
