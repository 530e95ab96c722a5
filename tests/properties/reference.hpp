// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nvq/formats.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include "../oracle/bit_stream.hpp"
#include "../oracle/differences.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

// What encoding a tensor means: cut into blocks by plain loops, each given to the block codec, the codes laid
// out bit by bit.

namespace properties {

using oracle::first_difference;

/// Scale codes of formats with zero points in two arrays; doubly quantized scales as their floats.
template <class F>
struct Encoded {
  std::vector<std::uint8_t> codes;
  std::vector<std::uint8_t> unpacked;
  std::vector<typename F::scale_code> scales;
  nvq::TensorScales tensor;
};

struct Extent {
  std::size_t rows, columns;
};
template <class F>
Extent block_of(std::size_t rows, std::size_t columns) {
  return {F::block::rows == 0 ? rows : static_cast<std::size_t>(F::block::rows),
          F::block::columns == 0 ? columns : static_cast<std::size_t>(F::block::columns)};
}

inline float largest_magnitude(const std::vector<float>& values) {
  float most = 0;
  for (const float x : values) most = std::max(most, std::fabs(x));
  return most;
}

/// values: [rows, columns], no NaN.
template <class F, class R>
Encoded<F> reference_encode(const std::vector<float>& values, std::size_t rows, std::size_t columns,
                            R recipe) {
  Encoded<F> out;
  out.tensor = nvq::tensor_scales<F>(largest_magnitude(values), recipe);
  out.unpacked.resize(rows * columns);
  const Extent block = block_of<F>(rows, columns);
  for (std::size_t r0 = 0; r0 < rows && columns != 0; r0 += block.rows)
    for (std::size_t c0 = 0; c0 < columns; c0 += block.columns) {
      std::vector<float> gathered;
      std::vector<std::size_t> where;
      for (std::size_t r = r0; r < std::min(rows, r0 + block.rows); ++r)
        for (std::size_t c = c0; c < std::min(columns, c0 + block.columns); ++c) {
          gathered.push_back(values[r * columns + c]);
          where.push_back(r * columns + c);
        }
      std::vector<std::uint8_t> codes(gathered.size());
      out.scales.push_back(nvq::encode_block<F>(gathered.data(), static_cast<std::int64_t>(gathered.size()),
                                                codes.data(), out.tensor, recipe));
      for (std::size_t i = 0; i < codes.size(); ++i) out.unpacked[where[i]] = codes[i];
    }
  out.codes = oracle::pack(out.unpacked, rows, columns, static_cast<std::size_t>(F::element::bits));
  return out;
}

/// About normal values of a standard deviation that differs from row to row by powers of two.
inline std::vector<float> normal_matrix(std::size_t rows, std::size_t columns, std::uint64_t seed = 1) {
  oracle::Lcg random(seed);
  std::vector<float> values;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      values.push_back(random.normal() * std::ldexp(1.0f, -static_cast<int>(r % 3)));
  return values;
}

template <class F>
constexpr bool packs_scales = std::is_same<typename F::block_scale, nvq::ScaleFP32DQ>::value;

/// Whether two scale codes are the same bits, zero points included.
template <class F>
bool same_scale(const nvq::quantized<F>& q, std::size_t block, typename F::scale_code expected) {
  if constexpr (F::has_zero_point)
    return q.scales()[block] == expected.scale && q.zero_points()[block] == expected.zero_point;
  else
    return q.scales()[block] == expected;
}

/// Two quantized matrices are the same bytes.
template <class F>
void check_same(const nvq::quantized<F>& a, const nvq::quantized<F>& b) {
  REQUIRE(a);
  REQUIRE(b);
  CHECK(first_difference(a.codes(), b.codes()) == "");
  CHECK(first_difference(a.scales(), b.scales()) == "");
  CHECK(first_difference(a.zero_points(), b.zero_points()) == "");
  CHECK(a.tensor_scale() == b.tensor_scale());
}

/// Formats that nobody listed: odd widths, small tiles, a block longer than any buffer, other pairs of
/// element and scale.
using OwnFormats =
    std::tuple<nvq::Format<nvq::Int<3>, nvq::Block<8>, nvq::ScaleFP16, nvq::TensorNone>,
               nvq::Format<nvq::Float<3, 1>, nvq::Tile<3, 5>, nvq::ScaleBF16, nvq::TensorNone>,
               nvq::Format<nvq::Float<3, 0>, nvq::Block<64>, nvq::ScaleFP16, nvq::TensorNone>,
               nvq::Format<nvq::Int<7>, nvq::Block<2000>, nvq::ScaleFP32, nvq::TensorNone>,
               nvq::Format<nvq::E4M3FNUZ, nvq::WholeRow, nvq::ScaleFP32, nvq::TensorNone>,
               nvq::Format<nvq::E2M1, nvq::Block32, nvq::ScaleE4M3, nvq::TensorFP32>,
               nvq::Format<nvq::E3M2, nvq::Block16, nvq::ScaleE8M0, nvq::TensorNone>,
               nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>,
               nvq::Format<nvq::UInt4, nvq::Tile<2, 32>, nvq::Affine<nvq::ScaleFP32>, nvq::TensorNone>>;

}  // namespace properties
