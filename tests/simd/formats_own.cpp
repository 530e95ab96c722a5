// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

// Formats that nobody listed, which kernels do as they come.
void tiers::add_own(std::vector<Codec>& codecs) {
  const std::size_t before = codecs.size();
  add_recipes<nvq::Format<nvq::E2M1, nvq::Block32, nvq::ScaleE4M3, nvq::TensorFP32>>(codecs);
  add_recipes<nvq::Format<nvq::E3M2, nvq::Block16, nvq::ScaleE8M0, nvq::TensorNone>>(codecs);
  add_recipes<nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>>(codecs);
  for (std::size_t i = before; i < codecs.size(); ++i) codecs[i].name += ", own format";
}
