// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_mxfp8(std::vector<Codec>& codecs) {
  add_recipes<nvq::MXFP8_E4M3>(codecs);
  add_recipes<nvq::MXFP8_E5M2>(codecs);
}
