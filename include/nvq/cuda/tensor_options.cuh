// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/block.hpp>
#include <nvq/cuda/quantize_tiles.cuh>
#include <nvq/layout/scale_layout.hpp>

// What the functions of device.cuh may be told, and whether it makes sense.

NVQ_BEGIN_NAMESPACE

namespace cuda {

struct amax_options {
  std::int64_t row_stride = 0;  ///< of the input, in values; 0: the columns
  /// *amax holds an amax already, of a tensor that shares the scale; the larger stays. They are compared by their bits, so a
  /// NaN that is there stays whatever `nan` says, and what has a sign stays, too: -0 and negative values are no amax.
  bool keep = false;
  NaN nan = NaN::ignore;  ///< propagate for recipes that let NaN enter amaxes (modelopt, torchao, ...)
};

/// The codes of a matrix once more, transposed, for the product that sums over its rows: what NVFP4_2D is for, whose
/// tiles are the same both ways. codes[c, r] is codes[r, c] of the first output.
struct transposed_output {
  std::uint8_t* codes = nullptr;   ///< F::codes_bytes(columns, rows) bytes; null: not wanted
  std::uint8_t* scales = nullptr;  ///< [scale columns, scale rows]; with scales_per_row [columns, scale rows]
  ScaleLayout layout = ScaleLayout::linear;  ///< of the scales; others than linear with scales_per_row
};

struct quantize_options {
  std::int64_t row_stride = 0;          ///< of the input, in values; 0: the columns
  std::uint8_t* zero_points = nullptr;  ///< [scale rows, scale columns], for formats that have them
  float* tensor_scale = nullptr;        ///< receives the decode scale of the tensor
  /// The scale is known (activations with a calibrated scale): device pointer to the decode scale, and no amax is
  /// read. Formats with a tensor scale take tensor_scales_from<F>() of it; block scales follow by the recipe. Formats
  /// with one scale for the tensor store it and round x / scale or x * (1 / scale), as the recipe does; a recipe
  /// that needs more than the scale for that is refused. Other formats refuse it.
  const float* scale = nullptr;
  /// Round stochastically: encode_options::stochastic and its bits. Refused where the element has no such rounding.
  bool stochastic = false;
  std::uint64_t seed = 0;
  /// Tiles: every row of values gets a row of scales, [rows, scale columns] in any layout, padding written with 0. Of
  /// NVFP4_2D that makes what GEMMs of NVFP4 take, and dequantize_async<NVFP4>.
  bool scales_per_row = false;
  /// Device memory for formats with double-quantized scales, quantize_workspace_bytes<F>(shape) bytes of it, aligned as
  /// floats are; its content is lost.
  void* workspace = nullptr;
  transposed_output transposed;                ///< formats of square tiles up to 32 x 32 with one-byte scales
  bool programmatic_dependent_launch = false;  ///< sm_90 and above; see launch()
};

struct dequantize_options {
  std::int64_t row_stride = 0;                ///< of the output, in values; 0: the columns
  const std::uint8_t* zero_points = nullptr;  ///< for formats that have them
  bool programmatic_dependent_launch = false;
};

/// Bytes of quantize_options::workspace: 0 for formats without double-quantized scales.
template <class F>
constexpr std::size_t quantize_workspace_bytes(shape2d shape) noexcept {
  constexpr bool wanted = nvq::detail::is_packed_scale<typename F::block_scale>::value;
  return wanted ? F::blocks_count(shape.rows(), shape.columns()) * sizeof(float) : 0;
}

namespace detail {

/// Whether the scales of a kind of F may lie in a layout.
template <class F>
constexpr bool takes_layout(ScaleLayout layout, bool scales_per_row) noexcept {
  if (nvq::layout::padded_scales(layout, shape2d(1, 1)).size() == 0) return false;  // none of the names
  constexpr bool bytes =
      sizeof(typename F::scale_type) == 1 && !nvq::detail::is_packed_scale<typename F::block_scale>::value;
  return layout == ScaleLayout::linear ||
         (bytes && F::block::columns != 0 && (F::block::rows == 1 || (F::block::rows > 1 && scales_per_row)));
}

inline bool valid_rows(shape2d shape, std::int64_t row_stride) noexcept {
  return shape.valid() && row_stride >= shape.columns() &&
         (shape.rows() == 0 || row_stride <= INT64_MAX / 8 / shape.rows());
}

template <class F>
bool valid_tensor(shape2d shape, std::int64_t row_stride, ScaleLayout layout, bool scales_per_row,
                  const void* values, const void* codes, const void* scales,
                  const void* zero_points) noexcept {
  if (!valid_rows(shape, row_stride) || !takes_layout<F>(layout, scales_per_row)) return false;
  if (shape.size() == 0) return true;
  return values != nullptr && codes != nullptr && scales != nullptr &&
         (!F::has_zero_point || zero_points != nullptr);
}

/// Whether values are brought to the element's range by the scale alone. Asked for two amaxes, since what a scaler
/// looks at does not show in its type.
template <class F, class Rules>
bool scales_alone() noexcept {
  if constexpr (F::block::rows != 0) {
    return F::has_tensor_scale;
  } else {
    const auto scaled = [](float amax) {
      typename Rules::statistic s{};
      s.add(amax);
      return Rules::template scaler<F>(F::block_scale::encode(1.0f), s, TensorScales{})(1.0f);
    };
    return float_bits(scaled(1.0f)) == float_bits(scaled(3.0f));
  }
}

template <class F, class Rules>
bool valid_options(shape2d shape, const float* amax, const quantize_options& o) noexcept {
  constexpr bool needs_amax = F::has_tensor_scale || F::block::rows == 0;
  constexpr bool turns = has_transposed<F> && sizeof(typename F::scale_type) == 1 && !F::has_zero_point;
  if (o.stochastic && !nvq::detail::has_stochastic<typename F::element>::value) return false;
  if (o.scales_per_row && F::block::rows < 2) return false;
  if (quantize_workspace_bytes<F>(shape) != 0 && o.workspace == nullptr) return false;
  if (o.scale != nullptr ? !scales_alone<F, Rules>() : needs_amax && amax == nullptr && shape.size() != 0)
    return false;
  if (o.tensor_scale != nullptr && (o.tensor_scale == amax || o.tensor_scale == o.scale)) return false;
  if (o.transposed.codes == nullptr) return o.transposed.scales == nullptr;
  return turns && o.transposed.scales != nullptr && takes_layout<F>(o.transposed.layout, o.scales_per_row);
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
