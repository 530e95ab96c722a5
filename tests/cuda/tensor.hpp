// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <nvq/cuda/quantize.cuh>
#include <nvq/nvq.hpp>
#include <nvq/random.hpp>
#include <vector>

// Matrices for the kernels of quantize_async() and what the host makes of them.

namespace tensor {

using nvq::ScaleLayout;

/// Values of mixed magnitude with zeros, in rows that lie `stride` apart.
template <class T>
std::vector<T> inputs(std::int64_t rows, std::int64_t stride, std::uint64_t seed) {
  std::vector<T> values;
  for (std::int64_t i = 0; i < rows * stride; ++i) {
    const std::uint32_t bits = nvq::random_bits(seed, static_cast<std::uint64_t>(i));
    const float x =
        static_cast<float>(static_cast<std::int32_t>(bits)) * nvq::exp2i(-31 - static_cast<int>(bits % 11));
    values.push_back(T(bits % 13 == 0 ? 0.0f : x));
  }
  return values;
}

constexpr std::uint8_t guard = 0xA5;  // what bytes nobody writes keep

/// A quantized matrix of bytes, with guards behind.
template <class F>
struct Output {
  std::vector<std::uint8_t> codes, zero_points, scales;

  Output(std::int64_t rows, std::int64_t columns, ScaleLayout layout, bool scales_per_row = false)
      : codes(F::codes_bytes(rows, columns) + 8, guard),
        zero_points(F::blocks_count(rows, columns) + 8, guard),
        scales(
            scale_bytes({scales_per_row ? rows : F::scale_rows(rows), F::scale_columns(columns)}, layout) + 8,
            guard) {}

  static std::size_t scale_bytes(nvq::shape2d grid, ScaleLayout layout) {
    if (sizeof(typename F::scale_type) > 1) return grid.size() * sizeof(typename F::scale_type);
    return static_cast<std::size_t>(nvq::scales_bytes(layout, grid));
  }
  nvq::cuda::detail::quantized_matrix<F, false> view(std::int64_t rows, std::int64_t columns,
                                                     ScaleLayout layout, bool scales_per_row = false) {
    return {{rows, columns},    codes.data(), reinterpret_cast<typename F::scale_type*>(scales.data()),
            zero_points.data(), layout,       scales_per_row};
  }
};

/// What the host writes, scales brought to the layout with its padding 0.
template <class F, class T, class R>
Output<F> expected(const std::vector<T>& in, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                   ScaleLayout layout, R recipe, const nvq::encode_options& options) {
  const auto q =
      nvq::quantize<F>(nvq::matrix_view<const T>(in.data(), {rows, columns}, stride), recipe, options);
  Output<F> out(rows, columns, layout);
  std::memcpy(out.codes.data(), q.codes().data(), q.codes().size());
  if (F::has_zero_point) std::memcpy(out.zero_points.data(), q.zero_points().data(), q.zero_points().size());
  if constexpr (sizeof(typename F::scale_type) == 1) {
    const nvq::shape2d grid(F::scale_rows(rows), F::scale_columns(columns));
    for (std::size_t i = 0; i + 8 < out.scales.size(); ++i) out.scales[i] = 0;
    for (std::int64_t r = 0; r < grid.rows(); ++r)
      for (std::int64_t c = 0; c < grid.columns(); ++c)
        out.scales[static_cast<std::size_t>(nvq::scales_offset(layout, grid, r, c))] =
            q.scales()[static_cast<std::size_t>(r * grid.columns() + c)];
  } else {
    std::memcpy(out.scales.data(), q.scales().data(), out.scales.size() - 8);
  }
  return out;
}

template <class F, class T, class R>
Output<F> expected(const std::vector<T>& in, std::int64_t rows, std::int64_t columns, std::int64_t stride,
                   float amax, ScaleLayout layout, R recipe) {
  nvq::encode_options options;
  options.amax = amax;
  return expected<F>(in, rows, columns, stride, layout, recipe, options);
}

}  // namespace tensor
