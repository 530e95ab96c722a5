// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/base.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// Row-major elements, one after the other: the scales and zero points of quantize() and of checkpoint files.
///
///     offset(r, c) = r * stride + c
///
/// `padded`: a larger grid the buffer is allocated for, such as the rows rounded up to 16 that some TMA
/// kernels write, or the {128, 4} multiples of compact MX scales; its columns are the stride. Without it
/// there is no padding.
template <class T = std::uint8_t>
class Linear : public base<T, 8 * static_cast<int>(sizeof(T))> {
  using parent = base<T, 8 * static_cast<int>(sizeof(T))>;

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr Linear(shape2d shape) noexcept : parent(shape, 1, 1) {}
  NVQ_HD constexpr Linear(shape2d shape, shape2d padded) noexcept
      : parent(shape, padded, padded.rows() >= shape.rows() && padded.columns() >= shape.columns()) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return offset(this->padded(), r, c);
  }
  /// offset() in a grid of which only the extents with padding are known.
  NVQ_HD static constexpr std::int64_t offset(shape2d padded, std::int64_t r, std::int64_t c) noexcept {
    return r * padded.columns() + c;
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    return {index / this->padded().columns(), index % this->padded().columns()};
  }
  NVQ_HD constexpr Linear linear() const noexcept { return Linear(this->shape()); }
};

/// Row-major codes, 4-bit ones two a byte with the even column in the low nibble, each row starting on a
/// multiple of `RowBytes`: what quantize() returns, and NVFP4 and MXFP4 weights in checkpoint files. A last
/// nibble that no code fills is padding.
template <int Bits, int RowBytes = 1>
class LinearCodes : public base<std::uint8_t, Bits> {
  using parent = base<std::uint8_t, Bits>;

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr LinearCodes(shape2d shape) noexcept : parent(shape, 1, RowBytes * (8 / Bits)) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return r * this->padded().columns() + c;
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    return {index / this->padded().columns(), index % this->padded().columns()};
  }
  NVQ_HD constexpr LinearCodes<Bits> linear() const noexcept { return LinearCodes<Bits>(this->shape()); }
};

/// The weight_packed tensor of compressed-tensors' `pack-quantized`: int32 [rows, ceil(columns * Bits / 32)],
/// LSB first along the row, codes in offset binary (Recode::offset_binary from Int4 and Int8). Source:
/// compressed-tensors, pack_to_int32 with packed_dim 1.
template <int Bits>
using PackQuantizedWeights = LinearCodes<Bits, 4>;

}  // namespace layout
NVQ_END_NAMESPACE
