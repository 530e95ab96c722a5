// SPDX-License-Identifier: Apache-2.0
#include <nvq/nf4.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry nf4_codecs() { return codec_entry<nvq::NF4>(); }

}  // namespace app
