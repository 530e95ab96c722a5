// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nvq/io/dtype.hpp>
#include <string>
#include <vector>

#include "codec.hpp"

namespace app::vectors {

/// A format cut into units, each the values that share one scale, and the unit's place in a matrix of one unit a row.
struct Grid {
  int bits = 4;                         ///< of a code
  std::int64_t rows = 1, columns = 16;  ///< of a unit
  float largest = 6;  ///< element; inputs of largest * scale choose that scale under plain recipes
  nvq::io::dtype scale = nvq::io::dtype::f8_e4m3;
  std::string element;
  bool whole_tensor = false;  ///< one unit only
  bool zero_points = false;

  std::int64_t lanes() const { return rows * columns; }
  std::size_t codes() const { return std::size_t{1} << bits; }
  std::size_t scale_bytes() const { return scale == nvq::io::dtype::f32 ? 4 : 1; }
};

/// What is fixed for all sets: a format, a recipe, how to round.
struct Subject {
  std::string format;
  Grid grid;
  std::unique_ptr<Codec> codec;
  std::optional<std::uint64_t> seed;  ///< of stochastic rounding
};

Grid grid_of(const FormatName& format);

/// Every scale worth a test: all finite positive ones of a byte, some of a float.
std::vector<float> scales_of(const Grid& grid);

/// Codes as Codec stores them: each row LSB-first from a byte boundary.
std::vector<std::uint8_t> pack(const std::vector<std::uint8_t>& codes, std::int64_t columns, int bits);
/// One code of a packed matrix.
unsigned code_at(const std::uint8_t* packed, std::int64_t row, std::int64_t column, std::int64_t columns,
                 int bits);

/// What every code decodes to under one stored scale (and zero point), by the library.
std::vector<float> values_of_codes(const Subject& s, const std::uint8_t* scale, int zero_point,
                                   float tensor_scale);

}  // namespace app::vectors
