// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_nvfp4(std::vector<Codec>& codecs) { add_recipes<nvq::NVFP4>(codecs); }
