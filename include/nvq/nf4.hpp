// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/tensor.hpp>

/// \file
/// NF4 (QLoRA, bitsandbytes): the 16 quantiles of a normal distribution scaled by the absolute maximum of 64
/// values; 4.5 bits a value. Codes are packed as everywhere in nvq, even column in the low nibble;
/// bitsandbytes' files have it in the high one.
