// SPDX-License-Identifier: Apache-2.0
#include "hashes.hpp"

void print_integers() {
  bits::print_format<nvq::INT8>();
  bits::print_format<nvq::INT8_Row>();
  bits::print_format<nvq::INT8_G128>();
  bits::print_format<nvq::INT4_G32>();
  bits::print_format<nvq::INT4_G64>();
  bits::print_format<nvq::INT4_G128>();
  bits::print_format<nvq::INT4_Row>();
  bits::print_format<nvq::INT4_G32_ZP>();
  bits::print_format<nvq::INT4_G64_ZP>();
  bits::print_format<nvq::INT4_G128_ZP>();
}
