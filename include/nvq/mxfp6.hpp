// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// MXFP6 of the OCP Microscaling specification: 6-bit floats, a power of two (E8M0) for every 32 values of a
/// row; 6.25 bits a value. Codes of a row are a dense bit stream, least significant bit first: four codes in
/// three bytes.
