// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// INT8, symmetric: two's complement bytes under a float scale of the tensor, a row or 128 values of a row.
/// Recipes: amax (default, [-127, 127]), signed_max (down to -128), mse, vllm, compressed_tensors.
