// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/double_quant.hpp>
#include <nvq/detail/pack.hpp>
#include <nvq/detail/tasks.hpp>
#include <nvq/detail/tensor_encode.hpp>
#include <nvq/executor.hpp>
#include <nvq/float16.hpp>
#include <nvq/format.hpp>
#include <nvq/recipe/base.hpp>
#include <nvq/simd/decode.hpp>
#include <nvq/span.hpp>

// The loops of decode(): rows in tasks. Arguments have been checked.

NVQ_BEGIN_NAMESPACE

namespace detail {

template <class F>
typename F::scale_code load_scale(const typename F::scale_type* scales, const std::uint8_t* zero_points,
                                  std::int64_t block, std::int64_t blocks) noexcept {
  (void)zero_points, (void)blocks;
  if constexpr (is_packed_scale<typename F::block_scale>::value)
    return load_double_quantized(scales, blocks, block);
  else if constexpr (F::has_zero_point)
    return {scales[block], zero_points[block]};
  else
    return scales[block];
}

/// Decodes columns [first, end) of row r.
template <class F, class T>
void decode_columns(const std::uint8_t* codes, const typename F::scale_type* scales,
                    const std::uint8_t* zero_points, std::int64_t r, std::int64_t first, float tensor_scale,
                    matrix_view<T> out) noexcept {
  constexpr std::int64_t chunk = 256;
  const std::int64_t band = F::block::rows == 0 ? 0 : r / F::block::rows;
  const std::int64_t columns = F::block::columns == 0 ? out.columns() : F::block::columns;
  const std::int64_t blocks = F::scale_columns(out.columns());
  const std::uint8_t* row = codes + r * F::row_bytes(out.columns());
  std::uint8_t buffer[chunk];
  for (std::int64_t c = first; c < out.columns();) {
    const std::int64_t b = c / columns, n = min_index(chunk, min_index((b + 1) * columns, out.columns()) - c);
    const auto scale =
        load_scale<F>(scales, zero_points, band * blocks + b, F::scale_rows(out.rows()) * blocks);
    unpack_codes<F::element::bits>(row, c, n, buffer);
    for (std::int64_t i = 0; i < n; ++i)
      out(r, c + i) = static_cast<T>(decode_value<F>(buffer[i], scale, tensor_scale));
    c += n;
  }
}

/// Decodes rows [r0, r1).
template <class F, class T>
void decode_rows(const std::uint8_t* codes, const typename F::scale_type* scales,
                 const std::uint8_t* zero_points, std::int64_t r0, std::int64_t r1, float tensor_scale,
                 const simd::palettes<F, T>& palettes, matrix_view<T> out) noexcept {
  std::int64_t first = 0;
  const std::int64_t tall = F::block::rows, blocks = F::scale_columns(out.columns());
  if constexpr (simd::decodes<F>()) {
    const auto rows = [&](auto isa, auto stream) {
      // Rows that follow each other in every array are one.
      const bool joined = tall == 1 && F::block::columns != 0 && out.row_stride() == out.columns() &&
                          out.columns() % (F::block::columns == 0 ? 1 : F::block::columns) == 0;
      const std::int64_t n = joined ? 1 : r1 - r0,
                         columns = joined ? (r1 - r0) * out.columns() : out.columns();
      for (std::int64_t r = r0; r < r0 + n; ++r) {
        const std::int64_t block = tall == 0 ? 0 : r / (tall == 0 ? 1 : tall) * blocks;
        first = simd::decode_row<decltype(isa), decltype(stream)::value, F>(
            codes + r * F::row_bytes(out.columns()), scales + block,
            F::has_zero_point ? zero_points + block : nullptr, F::has_tensor_scale ? &tensor_scale : nullptr,
            palettes, columns, out.row(r));
      }
      if (joined) first = first == columns ? out.columns() : 0;
    };
    (void)simd::with_isa([&](auto isa) {
      const bool aligned = reinterpret_cast<std::uintptr_t>(out.data()) % 64 == 0 &&
                           out.row_stride() * static_cast<std::int64_t>(sizeof(T)) % 64 == 0;
      if (aligned &&
          out.rows() * out.columns() * static_cast<std::int64_t>(sizeof(T)) >= simd::streamed_bytes) {
        rows(isa, std::true_type{});
        isa.fence();
      } else {
        rows(isa, std::false_type{});
      }
    });
  }
  for (std::int64_t r = r0; r < r1; ++r)
    decode_columns<F>(codes, scales, zero_points, r, first, tensor_scale, out);
}

template <class F, class T>
void decode_tensor(const std::uint8_t* codes, const typename F::scale_type* scales,
                   const std::uint8_t* zero_points, float tensor_scale, executor_ref exec,
                   matrix_view<T> out) {
  if (out.shape().size() == 0) return;
  if (sizeof(T) == 2) tensor_scale = simd::quieted(tensor_scale);
  using palettes_t = simd::palettes<F, T>;
  palettes_t palettes;
  if (palettes_t::exist && out.rows() * out.columns() >= palettes_t::least)
    with_ieee_floats([&] {
      (void)simd::with_isa([&](auto isa) {
        palettes.template make<decltype(isa)>(F::has_tensor_scale ? &tensor_scale : nullptr);
      });
    });
  for_ranges(exec, out.rows(),
             bands_per_task(out.columns(), out.row_stride() * static_cast<std::int64_t>(sizeof(T))),
             [&](std::int64_t r0, std::int64_t r1) {
               decode_rows<F>(codes, scales, zero_points, r0, r1, tensor_scale, palettes, out);
             });
}

}  // namespace detail

NVQ_END_NAMESPACE
