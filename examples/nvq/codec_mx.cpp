// SPDX-License-Identifier: Apache-2.0
#include <nvq/mxfp4.hpp>
#include <nvq/mxfp6.hpp>
#include <nvq/mxfp8.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry mx_codecs(nvq::io::weight_kind kind) {
  switch (kind) {
    case nvq::io::weight_kind::mxfp4:
      return codec_entry<nvq::MXFP4>();
    case nvq::io::weight_kind::mxfp6:
      return codec_entry<nvq::MXFP6_E2M3>();
    default:
      return codec_entry<nvq::MXFP8_E4M3>();
  }
}

}  // namespace app
