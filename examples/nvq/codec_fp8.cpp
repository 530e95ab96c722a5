// SPDX-License-Identifier: Apache-2.0
#include <nvq/fp8.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry fp8_codecs(nvq::io::weight_kind kind, nvq::io::dtype wide) {
  switch (kind) {
    case nvq::io::weight_kind::fp8_tensor:
      return codec_entry_wide<Plain<nvq::E4M3, nvq::WholeTensor>::With>(wide);
    case nvq::io::weight_kind::fp8_channel:
      return codec_entry_wide<Plain<nvq::E4M3, nvq::WholeRow>::With>(wide);
    default:
      return codec_entry_wide<Plain<nvq::E4M3, nvq::Tile<128, 128>>::With>(wide);
  }
}

}  // namespace app
