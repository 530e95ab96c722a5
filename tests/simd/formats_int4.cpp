// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_int4(std::vector<Codec>& codecs) {
  add_recipes<nvq::INT4_G32>(codecs);
  add_recipes<nvq::INT4_G64>(codecs);
  add_recipes<nvq::INT4_G128>(codecs);
  add_recipes<nvq::INT4_Row>(codecs);
}
