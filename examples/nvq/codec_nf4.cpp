// SPDX-License-Identifier: Apache-2.0
#include <nvq/nf4.hpp>

#include "codec_of.hpp"

namespace app {

CodecEntry nf4_codecs() { return codec_entry<nvq::NF4>(); }

float NestedScales::value(std::size_t block) const {
  return nvq::add_rn(nvq::mul_rn(nvq::detail::dynamic_map_value(codes[block]), factors[block / 256]), mean);
}

NestedScales nest_scales(nvq::span<const float> scales) {
  using S = nvq::ScaleFP32DQ;
  const auto n = static_cast<std::int64_t>(scales.size());
  std::vector<std::uint8_t> stored(static_cast<std::size_t>(S::array_size(n)));
  nvq::detail::store_double_quantized(
      n, [&](std::int64_t b) { return scales[static_cast<std::size_t>(b)]; }, stored.data());
  NestedScales nested;
  nested.factors.resize(static_cast<std::size_t>(S::groups(n)));
  for (std::size_t g = 0; g < nested.factors.size(); ++g)
    nested.factors[g] =
        nvq::detail::load_float(stored.data() + S::group_offset(n, static_cast<std::int64_t>(g)));
  nested.mean = nvq::detail::load_float(stored.data() + S::group_offset(n, S::groups(n)));
  stored.resize(scales.size());
  nested.codes = std::move(stored);
  return nested;
}

std::vector<float> nested_map() {
  std::vector<float> values(256);
  for (unsigned code = 0; code < 256; ++code) values[code] = nvq::detail::dynamic_map_value(code);
  return values;
}

}  // namespace app
