// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/detail/double_quant.hpp>
#include <nvq/format.hpp>
#include <nvq/layout/scale_layout.hpp>

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// A quantized matrix in memory: codes in rows of bytes, the grid of scales in a layout, zero points in rows.
template <class F, bool Const>
struct quantized_matrix {
  template <class T>
  using pointer = std::conditional_t<Const, const T*, T*>;

  std::int64_t rows = 0, columns = 0;
  pointer<std::uint8_t> codes = nullptr;
  pointer<typename F::scale_type> scales = nullptr;
  pointer<std::uint8_t> zero_points = nullptr;
  ScaleLayout layout = ScaleLayout::linear;
  bool scales_per_row = false;   ///< of tiles: each row of values has a row of scales of its own
  shape2d padded_scales{0, 0};   ///< the grid of scales with the padding of its layout
  std::int64_t four_scales = 4;  ///< from a scale to the one four columns on, in every layout

  quantized_matrix() = default;
  NVQ_HD quantized_matrix(shape2d shape, pointer<std::uint8_t> codes_,
                          pointer<typename F::scale_type> scales_, pointer<std::uint8_t> zero_points_,
                          ScaleLayout layout_, bool scales_per_row_ = false) noexcept
      : rows(shape.rows()),
        columns(shape.columns()),
        codes(codes_),
        scales(scales_),
        zero_points(zero_points_),
        layout(layout_),
        scales_per_row(scales_per_row_),
        padded_scales(nvq::layout::padded_scales(layout_, shape2d(scale_rows(), scale_columns()))),
        four_scales(nvq::layout::scales_offset_in(layout_, padded_scales, 0, 4)) {}

  NVQ_HD std::int64_t scale_rows() const noexcept { return scales_per_row ? rows : F::scale_rows(rows); }
  NVQ_HD std::int64_t scale_columns() const noexcept { return F::scale_columns(columns); }
  NVQ_HD pointer<std::uint8_t> code_row(std::int64_t r) const noexcept {
    return codes + r * F::row_bytes(columns);
  }
  NVQ_HD std::int64_t scale_index(std::int64_t r, std::int64_t c) const noexcept {
    if constexpr (sizeof(typename F::scale_type) == 1)
      return nvq::layout::scales_offset_in(layout, padded_scales, r, 0) + (c >> 2) * four_scales + (c & 3);
    else
      return r * scale_columns() + c;
  }
  NVQ_HD typename F::scale_code load_scale(std::int64_t r, std::int64_t c) const noexcept {
    if constexpr (nvq::detail::is_packed_scale<typename F::block_scale>::value)
      return nvq::detail::load_double_quantized(scales, scale_rows() * scale_columns(),
                                                r * scale_columns() + c);
    else if constexpr (F::has_zero_point)
      return {scales[scale_index(r, c)], zero_points[r * scale_columns() + c]};
    else
      return scales[scale_index(r, c)];
  }
  NVQ_HD void store_scale(std::int64_t r, std::int64_t c, typename F::scale_code scale) const noexcept {
    if constexpr (F::has_zero_point) {
      scales[scale_index(r, c)] = scale.scale;
      zero_points[r * scale_columns() + c] = scale.zero_point;
    } else {
      scales[scale_index(r, c)] = scale;
    }
  }
  /// Writes the scale of a place of the padded grid, 0 to padding; places beyond it are left alone.
  NVQ_HD void store_padded(std::int64_t r, std::int64_t c, typename F::scale_code scale) const noexcept {
    const bool there = r < scale_rows() && c < scale_columns();
    if constexpr (sizeof(typename F::scale_type) == 1 && !F::has_zero_point) {
      if (r < padded_scales.rows() && c < padded_scales.columns())
        scales[scale_index(r, c)] = there ? scale : typename F::scale_code{};
    } else {
      if (there) store_scale(r, c, scale);
    }
  }
};

/// How the threads of a launch are spread over a matrix: a block of threads has `row_threads` in each of
/// threads / row_threads rows, each thread one run of columns; grid y goes along the columns, grid x along the rows,
/// again and again.
struct run_grid {
  unsigned threads, row_threads, grid_x, grid_y;
};

/// `runs`: of one row; `wave`: blocks that keep the device busy; `lanes`: runs that neighbouring lanes of one warp have.
NVQ_HD inline run_grid runs_over(std::int64_t rows, std::int64_t runs, unsigned wave,
                                 unsigned lanes = 1) noexcept {
  run_grid g{256, 256, 1, 1};
  if (runs >= 128) {
    // One row a block: the number of threads that leaves the fewest idle.
    std::int64_t least = -1;
    for (unsigned threads = 256; threads >= 128; threads -= 32) {
      const std::int64_t spread = (runs + threads - 1) / threads * threads;
      if (least < 0 || spread < least) {
        least = spread;
        g.threads = g.row_threads = threads;
      }
    }
  } else {
    while (g.row_threads > lanes && g.row_threads / 2 >= runs) g.row_threads /= 2;
  }
  const std::int64_t rows_a_block = g.threads / g.row_threads;
  const std::int64_t y = (runs + g.row_threads - 1) / g.row_threads,
                     x = (rows + rows_a_block - 1) / rows_a_block;
  g.grid_y = static_cast<unsigned>(y < 65535 ? y : 65535);
  const std::int64_t most = wave > g.grid_y ? wave / g.grid_y : 1;
  g.grid_x = static_cast<unsigned>(x < most ? x : most);
  return g;
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
