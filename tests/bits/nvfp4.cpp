// SPDX-License-Identifier: Apache-2.0
#include "hashes.hpp"

void print_nvfp4() {
  bits::print_format<nvq::NVFP4>();
  bits::print_format<nvq::NVFP4_2D>();
}
