// SPDX-License-Identifier: Apache-2.0
#include "bytes.hpp"

std::vector<std::uint8_t> other_bytes() { return all_bytes(); }
