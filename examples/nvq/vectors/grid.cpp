// SPDX-License-Identifier: Apache-2.0
#include "vectors/grid.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <nvq/element.hpp>

namespace app::vectors {

using nvq::io::dtype;
using nvq::io::weight_kind;

Grid grid_of(const FormatName& f) {
  Grid g;
  const auto make = [&](const char* element, int bits, float largest, dtype scale, std::int64_t rows,
                        std::int64_t columns) {
    g.element = element;
    g.bits = bits;
    g.largest = largest;
    g.scale = scale;
    g.rows = rows;
    g.columns = columns;
    g.zero_points = f.zero_points;
    return g;
  };
  constexpr std::int64_t row = 256;  // of formats whose scale is a whole row's
  switch (f.kind) {
    case weight_kind::nvfp4:
      return make("E2M1", 4, 6, dtype::f8_e4m3, 1, 16);
    case weight_kind::mxfp4:
      return make("E2M1", 4, 6, dtype::f8_e8m0, 1, 32);
    case weight_kind::mxfp6:
      return make("E2M3", 6, 7.5f, dtype::f8_e8m0, 1, 32);
    case weight_kind::mxfp8:
      return make("E4M3", 8, 448, dtype::f8_e8m0, 1, 32);
    case weight_kind::fp8_tensor:
      g.whole_tensor = true;
      return make("E4M3", 8, 448, dtype::f32, 1, row);
    case weight_kind::fp8_channel:
      return make("E4M3", 8, 448, dtype::f32, 1, row);
    case weight_kind::fp8_block:
      return make("E4M3", 8, 448, dtype::f32, 128, 128);
    case weight_kind::int8_channel:
      return make("INT8", 8, 127, dtype::f32, 1, row);
    case weight_kind::int4_channel:
      return make("INT4", 4, 7, dtype::f32, 1, row);
    case weight_kind::int4_group:
      return make(f.zero_points ? "UINT4" : "INT4", 4, f.zero_points ? 8.0f : 7.0f, dtype::f32, 1, f.group);
    case weight_kind::nf4:
      return make("NF4", 4, 1, dtype::f32, 1, 64);
  }
  return g;
}

std::vector<float> scales_of(const Grid& g) {
  std::vector<float> all;
  if (g.whole_tensor) return {1.0f};
  if (g.scale == dtype::f8_e4m3) {
    for (int b = 1; b < 127; ++b) all.push_back(nvq::E4M3::decode(static_cast<std::uint8_t>(b)));
  } else if (g.scale == dtype::f8_e8m0) {
    for (int e = -127; e < 128; ++e) all.push_back(std::ldexp(1.0f, e));
  } else {
    all = {1.0f,
           1.0f / 3,
           0.1f,
           3.0f,
           0.0078125f,
           1.5e-5f,
           65504.0f,
           7.0f,
           1e-10f,
           1e-20f,
           1e-30f,
           1e30f,
           std::ldexp(1.0f, -126),
           3e-39f,
           std::ldexp(1.0f, -149),
           1.0e-37f};
  }
  return all;
}

std::vector<std::uint8_t> pack(const std::vector<std::uint8_t>& codes, std::int64_t columns, int bits) {
  const std::int64_t rows = static_cast<std::int64_t>(codes.size()) / columns,
                     stride = (columns * bits + 7) / 8;
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(rows * stride));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t bit = c * bits;
      const unsigned two = static_cast<unsigned>(codes[static_cast<std::size_t>(r * columns + c)])
                           << (bit % 8);
      const auto at = static_cast<std::size_t>(r * stride + bit / 8);
      packed[at] = static_cast<std::uint8_t>(packed[at] | (two & 255u));
      if (two > 255) packed[at + 1] = static_cast<std::uint8_t>(packed[at + 1] | two >> 8);
    }
  return packed;
}

unsigned code_at(const std::uint8_t* packed, std::int64_t row, std::int64_t column, std::int64_t columns,
                 int bits) {
  const std::int64_t stride = (columns * bits + 7) / 8, bit = column * bits;
  const std::uint8_t* at = packed + row * stride + bit / 8;
  unsigned two = *at;
  if (bit % 8 + bits > 8) two |= static_cast<unsigned>(at[1]) << 8;
  return two >> (bit % 8) & ((1u << bits) - 1u);
}

std::vector<float> values_of_codes(const Subject& s, const std::uint8_t* scale, int zero_point,
                                   float tensor_scale) {
  const Grid& g = s.grid;
  const auto count = static_cast<std::int64_t>(g.codes()), units = (count + g.lanes() - 1) / g.lanes();
  Encoded e = s.codec->sized(units * g.rows, g.columns);
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(units * g.lanes()));
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i % g.codes());
  e.codes = pack(codes, g.columns, g.bits);
  for (std::size_t i = 0; i < e.scales.size(); i += g.scale_bytes())
    std::memcpy(e.scales.data() + i, scale, g.scale_bytes());
  for (std::uint8_t& z : e.zero_points) z = static_cast<std::uint8_t>(zero_point);
  std::vector<float> values(codes.size());
  s.codec->decode(e, units * g.rows, g.columns, tensor_scale, values.data());
  values.resize(g.codes());
  return values;
}

}  // namespace app::vectors
