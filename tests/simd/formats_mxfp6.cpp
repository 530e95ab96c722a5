// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_mxfp6(std::vector<Codec>& codecs) {
  add_recipes<nvq::MXFP6_E2M3>(codecs);
  add_recipes<nvq::MXFP6_E3M2>(codecs);
}
