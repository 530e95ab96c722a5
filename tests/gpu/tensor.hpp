// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <nvq/layout.hpp>
#include <nvq/tensor.hpp>
#include <string>
#include <vector>

#include "sweep.cuh"

// A matrix to quantize, where it lies in device memory, and what the host makes of it.

namespace gpu {

/// Where a matrix lies: `offset` values off an aligned address, rows `columns + padding` apart.
struct placement {
  std::int64_t rows, columns, padding = 0;
  std::size_t offset = 0;  ///< of the codes and the scales, too
  nvq::ScaleLayout layout = nvq::ScaleLayout::linear;

  std::int64_t stride() const { return columns + padding; }
  nvq::shape2d shape() const { return {rows, columns}; }
  std::string text() const {
    return std::to_string(rows) + " x " + std::to_string(columns) +
           (padding != 0 ? ", stride " + std::to_string(stride()) : "") +
           (offset != 0 ? ", offset " + std::to_string(offset) : "") +
           (layout != nvq::ScaleLayout::linear ? std::string(", ") + to_string(layout) : "");
  }
};

/// Values of mixed magnitudes with zeros; now and then a row of wild ones (NaN, infinities, any exponent).
template <class T>
std::vector<T> random_values(std::int64_t rows, std::int64_t stride, bool wild) {
  std::vector<T> values(static_cast<std::size_t>(rows * stride));
  for (std::int64_t i = 0; i < rows * stride; ++i) {
    const bool any = wild && i / stride % 3 == 1;
    values[static_cast<std::size_t>(i)] = T(random_float(mix32(i, 40), any));
  }
  return values;
}

/// Whether each scale is a byte, which may lie in a layout.
template <class F>
inline constexpr bool has_byte_scales = sizeof(typename F::scale_type) == 1 &&
                                        !nvq::detail::is_packed_scale<typename F::block_scale>::value;

/// A quantized matrix in host memory.
template <class F>
struct quantized_bytes {
  std::vector<std::uint8_t> codes, zero_points;
  std::vector<typename F::scale_type> scales;

  explicit quantized_bytes(const placement& p)
      : codes(F::codes_bytes(p.rows, p.columns)),
        zero_points(F::has_zero_point ? F::blocks_count(p.rows, p.columns) : 0),
        scales(scales_in(p)) {}

  static nvq::shape2d grid(const placement& p) {
    return {F::scale_rows(p.rows), F::scale_columns(p.columns)};
  }
  static std::size_t scales_in(const placement& p) {
    return has_byte_scales<F> ? static_cast<std::size_t>(nvq::scales_bytes(p.layout, grid(p)))
                              : F::scales_count(p.rows, p.columns);
  }
};

/// What the host encodes; scales go into their layout and 0 into its padding.
template <class F, class T, class R>
quantized_bytes<F> on_host(const T* values, const placement& p, float amax, R recipe) {
  nvq::encode_options options;
  options.amax = amax;
  const on_all_processors processors;
  options.executor = processors;
  const auto q = nvq::quantize<F>(nvq::matrix_view<const T>(values, p.shape(), p.stride()), recipe, options);
  quantized_bytes<F> out(p);
  out.codes = q.codes();
  if (F::has_zero_point) out.zero_points = q.zero_points();
  if constexpr (has_byte_scales<F>) {
    const nvq::shape2d grid = out.grid(p);
    for (std::int64_t r = 0; r < grid.rows(); ++r)
      for (std::int64_t c = 0; c < grid.columns(); ++c)
        out.scales[static_cast<std::size_t>(nvq::scales_offset(p.layout, grid, r, c))] =
            q.scales()[static_cast<std::size_t>(r * grid.columns() + c)];
  } else {
    out.scales = q.scales();
  }
  return out;
}

/// The difference of two arrays.
struct difference {
  std::int64_t compared = 0, wrong = 0;
  std::string first;

  template <class T, class Same>
  void add(const char* array, const std::vector<T>& device, const std::vector<T>& host, Same same) {
    compared += static_cast<std::int64_t>(host.size());
    for (std::size_t i = 0; i < host.size(); ++i) {
      if (same(device[i], host[i])) continue;
      if (wrong++ == 0)
        first = std::string(array) + "[" + std::to_string(i) + "]: device " + text(device[i]) + ", host " +
                text(host[i]);
    }
  }
  template <class T>
  void add(const char* array, const std::vector<T>& device, const std::vector<T>& host) {
    add(array, device, host, [](T a, T b) { return a == b; });
  }
  void guards(const char* array, long touched) {
    ++compared;
    if (touched == 0) return;
    if (wrong++ == 0) first = std::to_string(touched) + " bytes beside " + array + " were written";
  }

 private:
  static std::string text(float x) { return to_string(words<1>{{nvq::float_bits(x)}}); }
  template <class T>
  static std::string text(T x) {
    if constexpr (std::is_integral<T>::value)
      return std::to_string(x);
    else
      return std::to_string(x.bits);
  }
};

/// Scales are equal by their bits, but any NaN is a NaN.
template <class F>
bool same_scale(typename F::scale_type a, typename F::scale_type b) {
  if constexpr (sizeof(typename F::scale_type) == 1)
    return a == b;
  else
    return canonical(F::block_scale::decode(a)) == canonical(F::block_scale::decode(b));
}

template <class T>
bool same_value(T a, T b) {
  return canonical(nvq::to_float(a)) == canonical(nvq::to_float(b));
}

}  // namespace gpu
