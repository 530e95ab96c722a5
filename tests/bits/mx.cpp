// SPDX-License-Identifier: Apache-2.0
#include "hashes.hpp"

void print_mx() {
  bits::print_format<nvq::MXFP4>();
  bits::print_format<nvq::MXFP6_E2M3>();
  bits::print_format<nvq::MXFP6_E3M2>();
  bits::print_format<nvq::MXFP8_E4M3>();
  bits::print_format<nvq::MXFP8_E5M2>();
}
