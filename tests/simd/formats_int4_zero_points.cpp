// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_int4_zero_points(std::vector<Codec>& codecs) {
  add_recipes<nvq::INT4_G32_ZP>(codecs);
  add_recipes<nvq::INT4_G64_ZP>(codecs);
  add_recipes<nvq::INT4_G128_ZP>(codecs);
}
