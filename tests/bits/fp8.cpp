// SPDX-License-Identifier: Apache-2.0
#include "hashes.hpp"

void print_fp8() {
  bits::print_format<nvq::FP8_E4M3>();
  bits::print_format<nvq::FP8_E5M2>();
  bits::print_format<nvq::FP8_E4M3_Row>();
  bits::print_format<nvq::FP8_E4M3_1x128>();
  bits::print_format<nvq::FP8_E4M3_128x128>();
  bits::print_format<nvq::FP8_E4M3_1x128_UE8M0>();
  bits::print_format<nvq::FP8_E4M3_128x128_UE8M0>();
}
