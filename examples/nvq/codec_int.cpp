// SPDX-License-Identifier: Apache-2.0
#include <nvq/int4.hpp>
#include <nvq/int8.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry int_codecs(nvq::io::weight_kind kind, int group, nvq::io::dtype wide) {
  if (kind == nvq::io::weight_kind::int8_channel) return codec_entry_wide<nvq::Int8, nvq::WholeRow>(wide);
  if (kind == nvq::io::weight_kind::int4_channel) return codec_entry_wide<nvq::Int4, nvq::WholeRow>(wide);
  switch (group) {
    case 32:
      return codec_entry_wide<nvq::Int4, nvq::Block32>(wide);
    case 64:
      return codec_entry_wide<nvq::Int4, nvq::Block64>(wide);
    case 128:
      return codec_entry_wide<nvq::Int4, nvq::Block128>(wide);
    default:
      return {};
  }
}

}  // namespace app
