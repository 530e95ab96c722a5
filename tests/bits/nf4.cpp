// SPDX-License-Identifier: Apache-2.0
#include "hashes.hpp"

void print_nf4() {
  bits::print_format<nvq::NF4>();
  bits::print_format<nvq::NF4_DQ>();
}
