// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_fp8_tiles(std::vector<Codec>& codecs) {
  add_recipes<nvq::FP8_E4M3_128x128>(codecs);
  add_recipes<nvq::FP8_E4M3_128x128_UE8M0>(codecs);
}
