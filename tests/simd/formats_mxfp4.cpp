// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

void tiers::add_mxfp4(std::vector<Codec>& codecs) { add_recipes<nvq::MXFP4>(codecs); }
