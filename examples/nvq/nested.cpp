// SPDX-License-Identifier: Apache-2.0
#include "nested.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string>

#include "codec.hpp"

namespace app {

namespace {

/// As Python writes it: the fewest digits that are this double again, and a point where there is no exponent.
std::string python_float(double x) {
  std::string text = fmt::format("{}", x);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::vector<float> floats(nvq::span<const std::uint8_t> bytes) {
  std::vector<float> all(bytes.size() / sizeof(float));
  std::memcpy(all.data(), bytes.data(), bytes.size());
  return all;
}

}  // namespace

void scaled_errors(const std::vector<float>& values, const std::vector<float>& back,
                   nvq::span<const std::uint8_t> scales, ScaledError* out) {
  const std::vector<float> scale = floats(scales);
  for (std::size_t b = 0; b < scale.size(); ++b) {
    if (scale[b] == 0) continue;
    const std::size_t first = b * nested_block;
    const double unit = static_cast<double>(scale[b]) * static_cast<double>(scale[b]);
    double cross = 0, square = 0;
    for (std::size_t i = first; i < first + nested_block; ++i) {
      const auto x = static_cast<double>(values[i]), y = static_cast<double>(back[i]);
      cross += (x - y) * y;
      square += y * y;
    }
    out[b] = {static_cast<float>(cross / unit), static_cast<float>(square / unit)};
  }
}

double write_nested(const Work& work, nvq::span<const std::uint8_t> scales,
                    nvq::span<const ScaledError> errors, const OutputFile& out) {
  using nvq::io::part;
  const std::vector<float> before = floats(scales);
  const NestedScales nested = nest_scales(before);
  for (const Output& o : work.outputs) {
    if (o.what == part::block_scales) out.write(o.offset, nested.codes.data(), o.bytes);
    if (o.what == part::nested_factors) out.write(o.offset, nested.factors.data(), o.bytes);
    if (o.what == part::quant_state) {
      const std::string text = nvq::io::quant_state_text(work.weight.rows, work.weight.columns, work.wide,
                                                         python_float(static_cast<double>(nested.mean)));
      out.write(o.offset, text.data(), o.bytes);
    }
  }
  double noise = 0;
  for (std::size_t b = 0; b < before.size(); ++b) {
    if (before[b] == 0) continue;
    const double scale = static_cast<double>(before[b]);
    const double off = static_cast<double>(nested.value(b)) - scale;
    noise += off *
             (off * static_cast<double>(errors[b].square) - 2 * scale * static_cast<double>(errors[b].cross));
  }
  return noise;
}

}  // namespace app
