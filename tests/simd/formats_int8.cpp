// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_int8(std::vector<Codec>& codecs) {
  add_recipes<nvq::INT8>(codecs);
  add_recipes<nvq::INT8_Row>(codecs);
  add_recipes<nvq::INT8_G128>(codecs);
}
