// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/element.hpp>
#include <nvq/scale.hpp>
#include <nvq/span.hpp>
#include <type_traits>

NVQ_BEGIN_NAMESPACE

/// N consecutive values of a row share a scale. The last block of a row may be shorter.
template <int N>
struct Block {
  static_assert(N > 0, "nvq::Block: a block has at least one value");
  static constexpr std::int64_t rows = 1, columns = N;
};
/// R x C values share a scale. Tiles at the lower and right edges may be smaller.
template <int R, int C>
struct Tile {
  static_assert(R > 0 && C > 0, "nvq::Tile: a tile has at least one value");
  static constexpr std::int64_t rows = R, columns = C;
};
/// Every row has one scale.
struct WholeRow {
  static constexpr std::int64_t rows = 1, columns = 0;
};
/// The tensor has one scale.
struct WholeTensor {
  static constexpr std::int64_t rows = 0, columns = 0;
};
using Block16 = Block<16>;
using Block32 = Block<32>;
using Block64 = Block<64>;
using Block128 = Block<128>;

namespace detail {
template <class, class = void>
struct is_element : std::false_type {};
template <class T>
struct is_element<T, std::void_t<decltype(T::bits), decltype(T::decode(std::uint8_t{})),
                                 decltype(T::encode(0.0f)), decltype(T::largest())>> : std::true_type {};
template <class, class = void>
struct is_block : std::false_type {};
template <class T>
struct is_block<T, std::void_t<decltype(T::rows), decltype(T::columns)>> : std::true_type {};
template <class, class = void>
struct is_block_scale : std::false_type {};
template <class T>
struct is_block_scale<T, std::void_t<typename T::storage, typename T::code, decltype(T::has_zero_point)>>
    : std::true_type {};
// What recipes ask of an element that may be the user's own and does not say.
template <class E, class = void>
inline constexpr bool is_float_v = false;
template <class E>
inline constexpr bool is_float_v<E, std::void_t<decltype(E::mantissa_bits)>> = true;
template <class E, class = void>
inline constexpr bool is_integer_v = false;
template <class E>
inline constexpr bool is_integer_v<E, std::void_t<decltype(E::is_integer)>> = E::is_integer;

template <class, class = void>
struct has_stochastic : std::false_type {};
template <class E>
struct has_stochastic<E, std::void_t<decltype(E::encode_stochastic(0.0f, std::uint32_t{}))>>
    : std::true_type {};

template <class, class = void>
struct is_packed_scale : std::false_type {};
template <class T>
struct is_packed_scale<T, std::void_t<decltype(T::array_size(std::int64_t{}))>> : std::true_type {};
template <class, class = void>
struct is_tensor_scale : std::false_type {};
template <class T>
struct is_tensor_scale<T, std::void_t<decltype(T::present)>> : std::true_type {};
}  // namespace detail

/// A way to store a matrix of numbers: which small numbers the codes are (Element), which values share a
/// scale (Block), what that scale is (BlockScale) and whether the tensor has a second factor (TensorScale).
/// Everything else follows from it.
///
/// Codes of a row form a bit stream, least significant bit first, Element::bits a code, each row starting on
/// a byte; so of two 4-bit codes the even column is in the low nibble. Scales are a row-major grid
/// [scale_rows, scale_columns] of BlockScale::storage. Decoding is value = (code * block scale) * tensor
/// scale.
template <class Element, class BlockShape, class BlockScale, class TensorScale>
struct Format {
  static_assert(detail::is_element<Element>::value,
                "nvq::Format: argument 1 must be an element such as nvq::E2M1 or nvq::Int4");
  static_assert(
      detail::is_block<BlockShape>::value,
      "nvq::Format: argument 2 must be a block such as nvq::Block16, nvq::Tile<16, 16> or nvq::WholeRow");
  static_assert(detail::is_block_scale<BlockScale>::value,
                "nvq::Format: argument 3 must be a block scale such as nvq::ScaleE4M3");
  static_assert(detail::is_tensor_scale<TensorScale>::value,
                "nvq::Format: argument 4 must be nvq::TensorFP32 or nvq::TensorNone");

  using element = Element;
  using block = BlockShape;
  using block_scale = BlockScale;
  using tensor_scale = TensorScale;
  using scale_type = typename BlockScale::storage;  ///< an element of the scales array
  using scale_code = typename BlockScale::code;     ///< what a recipe chooses for one block

  static constexpr bool has_tensor_scale = TensorScale::present;
  static constexpr bool has_zero_point = BlockScale::has_zero_point;
  /// Values that share a scale; 0 where that depends on the shape (WholeRow, WholeTensor).
  static constexpr std::size_t block_size = static_cast<std::size_t>(BlockShape::rows * BlockShape::columns);

  /// Rows of the grid of scales of a matrix with `rows` rows.
  NVQ_HD static constexpr std::int64_t scale_rows(std::int64_t rows) noexcept {
    return blocks(rows, BlockShape::rows);
  }
  /// Columns of the grid of scales of a matrix with `columns` columns.
  NVQ_HD static constexpr std::int64_t scale_columns(std::int64_t columns) noexcept {
    return blocks(columns, BlockShape::columns);
  }
  /// Bytes of the codes of one row.
  NVQ_HD static constexpr std::int64_t row_bytes(std::int64_t columns) noexcept {
    return (columns * Element::bits + 7) / 8;
  }

  /// Bytes of the codes of a matrix; 0 for an invalid shape.
  template <class R, class C>
  NVQ_HD static constexpr std::size_t codes_bytes(R rows, C columns) noexcept {
    const shape2d s(rows, columns);
    return s.valid() ? static_cast<std::size_t>(s.rows() * row_bytes(s.columns())) : 0;
  }
  /// Blocks of a matrix: elements of the scales array (which a double-quantized scale packs into its own
  /// number of bytes), and bytes of the zero points of formats that have them; 0 for an invalid shape.
  template <class R, class C>
  NVQ_HD static constexpr std::size_t blocks_count(R rows, C columns) noexcept {
    const shape2d s(rows, columns);
    return s.valid() && s.size() != 0
               ? static_cast<std::size_t>(scale_rows(s.rows()) * scale_columns(s.columns()))
               : 0;
  }
  template <class R, class C>
  NVQ_HD static constexpr std::size_t scales_count(R rows, C columns) noexcept {
    const std::size_t n = blocks_count(rows, columns);
    if constexpr (detail::is_packed_scale<BlockScale>::value)
      return static_cast<std::size_t>(BlockScale::array_size(static_cast<std::int64_t>(n)));
    else
      return n;
  }
  /// Bytes of the scales array of a matrix; 0 for an invalid shape.
  template <class R, class C>
  NVQ_HD static constexpr std::size_t scales_bytes(R rows, C columns) noexcept {
    return scales_count(rows, columns) * sizeof(scale_type);
  }

 private:
  NVQ_HD static constexpr std::int64_t blocks(std::int64_t extent, std::int64_t block) noexcept {
    return block == 0 ? (extent > 0 ? 1 : 0) : (extent + block - 1) / block;
  }
};

namespace detail {
template <class T>
struct is_format : std::false_type {};
template <class E, class B, class S, class T>
struct is_format<Format<E, B, S, T>> : std::true_type {};
}  // namespace detail

template <class F>
inline constexpr bool is_format_v = detail::is_format<F>::value;

NVQ_END_NAMESPACE
