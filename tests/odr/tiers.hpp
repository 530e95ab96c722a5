// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

/// Codes and decoded values of formats of every width, as bytes, by the functions that one translation unit instantiated.
std::vector<std::uint8_t> baseline_bytes();
std::vector<std::uint8_t> other_bytes();
