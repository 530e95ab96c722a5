// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_nf4(std::vector<Codec>& codecs) {
  add_recipes<nvq::NF4>(codecs);
  add_recipes<nvq::NF4_DQ>(codecs);
}
