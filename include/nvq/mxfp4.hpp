// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// MXFP4 of the OCP Microscaling specification: 4-bit floats (E2M1), a power of two (E8M0) for every 32
/// values of a row; 4.25 bits a value.
///
///     std::vector<std::uint8_t> codes(nvq::MXFP4::codes_bytes(rows, columns));
///     std::vector<std::uint8_t> scales(nvq::MXFP4::scales_bytes(rows, columns));
///     nvq::result done = nvq::encode<nvq::MXFP4>(weights, {rows, columns}, codes, scales, nvq::recipe::even);
///
/// How the exponent of a block is chosen is the recipe: rceil (default, NVIDIA's), ocp_floor, even, ceil or
/// mse. They give different bytes for 12 to 40 % of blocks, so "MXFP4" alone does not say which bytes.
