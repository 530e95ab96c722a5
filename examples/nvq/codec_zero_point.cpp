// SPDX-License-Identifier: Apache-2.0
#include <nvq/int4.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry zero_point_codecs(int group, nvq::io::dtype wide) {
  switch (group) {
    case 32:
      return codec_entry_wide<nvq::INT4_G32_ZP_With>(wide);
    case 64:
      return codec_entry_wide<nvq::INT4_G64_ZP_With>(wide);
    case 128:
      return codec_entry_wide<nvq::INT4_G128_ZP_With>(wide);
    default:
      return {};
  }
}

}  // namespace app
