// SPDX-License-Identifier: Apache-2.0
#include <nvq/fp8.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry fp8_codecs(nvq::io::weight_kind kind, nvq::io::dtype wide) {
  switch (kind) {
    case nvq::io::weight_kind::fp8_tensor:
      return codec_entry_wide<nvq::E4M3, nvq::WholeTensor>(wide);
    case nvq::io::weight_kind::fp8_channel:
      return codec_entry_wide<nvq::E4M3, nvq::WholeRow>(wide);
    default:
      return codec_entry_wide<nvq::E4M3, nvq::Tile<128, 128>>(wide);
  }
}

}  // namespace app
