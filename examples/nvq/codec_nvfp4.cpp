// SPDX-License-Identifier: Apache-2.0
#include <nvq/nvfp4.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry nvfp4_codecs() { return codec_entry<nvq::NVFP4>(); }

std::unique_ptr<Codec> make_decoder(const nvq::io::weight_scheme& s, nvq::io::dtype wide) {
  using Folded = nvq::Format<nvq::E2M1, nvq::Block16, nvq::ScaleFP32, nvq::TensorNone>;
  if (s.kind == nvq::io::weight_kind::nvfp4 && s.owner == nvq::io::dialect::compressed_tensors)
    return std::make_unique<CodecOf<Folded, nvq::recipe::amax_t>>();
  return make_codec(s, wide, {});
}

}  // namespace app
