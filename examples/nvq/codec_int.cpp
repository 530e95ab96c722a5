// SPDX-License-Identifier: Apache-2.0
#include <nvq/int4.hpp>
#include <nvq/int8.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry int_codecs(nvq::io::weight_kind kind, int group, nvq::io::dtype wide) {
  if (kind == nvq::io::weight_kind::int8_channel)
    return codec_entry_wide<Plain<nvq::Int8, nvq::WholeRow>::With>(wide);
  if (kind == nvq::io::weight_kind::int4_channel)
    return codec_entry_wide<Plain<nvq::Int4, nvq::WholeRow>::With>(wide);
  switch (group) {
    case 32:
      return codec_entry_wide<nvq::INT4_G32_With>(wide);
    case 64:
      return codec_entry_wide<nvq::INT4_G64_With>(wide);
    case 128:
      return codec_entry_wide<nvq::INT4_G128_With>(wide);
    default:
      return {};
  }
}

}  // namespace app
