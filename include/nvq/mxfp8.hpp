// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// MXFP8 of the OCP Microscaling specification: 8-bit floats, a power of two (E8M0) for every 32 values of a
/// row; 8.25 bits a value. The default recipe, rceil, clips nothing and loses 0.9 dB less than the
/// specification's ocp_floor on normal data.
