// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/pack.hpp>
#include <nvq/detail/tensor_codec.hpp>
#include <nvq/metrics/error_sums.hpp>
#include <nvq/metrics/quantization_errors.hpp>
#include <nvq/tensor.hpp>
#include <type_traits>
#include <vector>

NVQ_BEGIN_NAMESPACE

namespace detail {

template <class E, class = void>
struct lowest_of {
  static constexpr float value() noexcept { return -E::largest(); }
};
template <class E>
struct lowest_of<E, std::void_t<decltype(E::lowest())>> {
  static constexpr float value() noexcept { return E::lowest(); }
};

/// What the codes of one block can reach.
struct reach {
  double low, high;
  bool beyond(float x) const noexcept {
    return static_cast<double>(x) < low || static_cast<double>(x) > high;
  }
};
template <class F>
reach reach_of(typename F::scale_code scale, float tensor_scale) noexcept {
  using E = typename F::element;
  double low = static_cast<double>(lowest_of<E>::value()), high = static_cast<double>(E::largest());
  if constexpr (F::has_zero_point) {
    const double zero = static_cast<double>(E::decode(scale.zero_point));
    low -= zero;
    high -= zero;
  }
  const double step = mul_rn(static_cast<double>(scale_histogram<F>::value(scale)),
                             F::has_tensor_scale ? static_cast<double>(tensor_scale) : 1.0);
  low = mul_rn(low, step);
  high = mul_rn(high, step);
  return step < 0.0 ? reach{high, low} : reach{low, high};
}

template <class F>
struct coded_matrix {
  const std::uint8_t* codes;
  const typename F::scale_type* scales;
  const std::uint8_t* zero_points;
  float tensor_scale;
};

struct value_errors {
  error_sums sums;
  std::int64_t clipped = 0;
};

/// Rows [r0, r1), columns [c0, c1), which lie under one scale.
template <class F, class T>
void add_values(matrix_view<const T> in, const coded_matrix<F>& q, typename F::scale_code scale,
                std::int64_t r0, std::int64_t r1, std::int64_t c0, std::int64_t c1,
                value_errors& e) noexcept {
  constexpr std::int64_t chunk = 256;
  const reach limits = reach_of<F>(scale, q.tensor_scale);
  std::uint8_t buffer[chunk];
  for (std::int64_t r = r0; r < r1; ++r) {
    for (std::int64_t c = c0; c < c1; c += chunk) {
      const std::int64_t n = min_index(chunk, c1 - c);
      unpack_codes<F::element::bits>(q.codes + r * F::row_bytes(in.columns()), c, n, buffer);
      error_sums sums;
      sums.rel_floor = e.sums.rel_floor;
      for (std::int64_t i = 0; i < n; ++i) {
        const float x = to_float(in(r, c + i));
        sums.add(x, decode_value<F>(buffer[i], scale, q.tensor_scale));
        e.clipped += limits.beyond(x) ? 1 : 0;
      }
      e.sums.merge(sums);
    }
  }
}

template <class F, class T>
quantization_errors<F> measure_tensor(matrix_view<const T> in, const coded_matrix<F>& q, float amax,
                                      executor_ref executor) {
  quantization_errors<F> total;
  with_ieee_floats([&] { total = quantization_errors<F>(amax); });
  if (in.shape().size() == 0) return total;
  const error_sums none = total;
  const std::int64_t blocks = F::scale_columns(in.columns()), all = F::scale_rows(in.rows()) * blocks;
  const auto scale_of = [&](std::int64_t b) { return load_scale<F>(q.scales, q.zero_points, b, all); };
  if constexpr (F::block::rows == 0) {
    const std::int64_t step = bands_per_task(in.columns());
    std::vector<value_errors> parts(static_cast<std::size_t>((in.rows() + step - 1) / step),
                                    value_errors{none});
    for_ranges(executor, in.rows(), step, [&](std::int64_t r0, std::int64_t r1) {
      add_values<F>(in, q, scale_of(0), r0, r1, 0, in.columns(), parts[static_cast<std::size_t>(r0 / step)]);
    });
    with_ieee_floats([&] {
      value_errors block{none};
      for (const value_errors& part : parts) {
        block.sums.merge(part.sums);
        block.clipped += part.clipped;
      }
      total.add_block(block.sums, block.clipped, scale_of(0));
    });
  } else {
    const std::int64_t rows = F::block::rows, bands = F::scale_rows(in.rows());
    const std::int64_t columns = F::block::columns == 0 ? in.columns() : F::block::columns;
    const std::int64_t step = bands_per_task(rows * in.columns());
    std::vector<quantization_errors<F>> parts(static_cast<std::size_t>((bands + step - 1) / step), total);
    for_ranges(executor, bands, step, [&](std::int64_t b0, std::int64_t b1) {
      auto& part = parts[static_cast<std::size_t>(b0 / step)];
      for (std::int64_t i = b0 * blocks; i < b1 * blocks; ++i) {
        const std::int64_t r0 = i / blocks * rows, c0 = i % blocks * columns;
        value_errors block{none};
        add_values<F>(in, q, scale_of(i), r0, min_index(r0 + rows, in.rows()), c0,
                      min_index(c0 + columns, in.columns()), block);
        part.add_block(block.sums, block.clipped, scale_of(i));
      }
    });
    with_ieee_floats([&] {
      for (const auto& part : parts) total.merge(part);
    });
  }
  return total;
}

}  // namespace detail

/// The errors of decoded values against their originals, both [rows, columns] of float, bfloat16 or half.
///
/// Sums of 256 values in order of index are added in order, within parts of 65536 values that are added in
/// order: they do not depend on the executor, nor on row strides, and little is lost to rounding.
template <class T, class U>
error_sums measure(matrix_view<T> original, matrix_view<U> decoded, executor_ref executor = {}) {
  if (detail::check_input(original) != errc::ok) return error_sums::refused(detail::check_input(original));
  if (detail::check_input(decoded) != errc::ok) return error_sums::refused(detail::check_input(decoded));
  if (original.rows() != decoded.rows() || original.columns() != decoded.columns())
    return error_sums::refused(errc::output_size);
  const float largest = amax(original, NaN::ignore, executor);
  error_sums total;
  detail::with_ieee_floats([&] { total = error_sums(largest); });
  const error_sums none = total;
  constexpr std::int64_t step = std::int64_t{1} << 16, run = 256;
  const auto n = static_cast<std::int64_t>(original.shape().size()), columns = original.columns();
  std::vector<error_sums> parts(static_cast<std::size_t>((n + step - 1) / step), total);
  detail::for_ranges(executor, n, step, [&](std::int64_t first, std::int64_t end) {
    error_sums& part = parts[static_cast<std::size_t>(first / step)];
    for (std::int64_t i = first, r = first / columns, c = first % columns; i < end;) {
      error_sums sums = none;
      for (const std::int64_t stop = detail::min_index(i + run, end); i < stop; ++i) {
        sums.add(to_float(original(r, c)), to_float(decoded(r, c)));
        if (++c == columns) ++r, c = 0;
      }
      part.merge(sums);
    }
  });
  detail::with_ieee_floats([&] {
    for (const error_sums& part : parts) total.merge(part);
  });
  return total;
}
/// The same of two contiguous containers of one size.
template <class A, class B, class = detail::require_container<const A>,
          class = detail::require_container<const B>>
error_sums measure(const A& original, const B& decoded, executor_ref executor = {}) {
  if (original.size() != decoded.size()) return error_sums::refused(errc::output_size);
  return measure(matrix_view<const detail::value_t<const A>>(original.data(), shape2d(1, original.size())),
                 matrix_view<const detail::value_t<const B>>(decoded.data(), shape2d(1, decoded.size())),
                 executor);
}

/// The errors of codes and scales, as encode() wrote them, against the matrix they were made of: of its
/// values, its blocks and its scales.
///
/// tensor_scale: the decode multiplier, read for formats that have one. amax: the largest magnitude of the
/// matrix, or of the tensor of which it is a range of rows; merging ranges in order of rows gives the errors
/// of the tensor, except for formats with one scale for all rows. Values are summed block by block, so that
/// the last bits of the sums may differ from those over decoded values.
template <class F, class T>
quantization_errors<F> measure(matrix_view<T> original, span<const std::uint8_t> codes,
                               span<const typename F::scale_type> scales,
                               span<const std::uint8_t> zero_points, float tensor_scale, float amax,
                               executor_ref executor = {}) {
  const errc ec = detail::check_input(original);
  if (ec != errc::ok) return quantization_errors<F>::refused(ec);
  const std::int64_t rows = original.rows(), columns = original.columns();
  if (codes.size() != F::codes_bytes(rows, columns)) return quantization_errors<F>::refused(errc::codes_size);
  if (scales.size() != F::scales_count(rows, columns))
    return quantization_errors<F>::refused(errc::scales_size);
  if (F::has_zero_point && zero_points.size() != F::blocks_count(rows, columns))
    return quantization_errors<F>::refused(errc::zero_points_size);
  return detail::measure_tensor<F>(
      original.as_const(),
      detail::coded_matrix<F>{codes.data(), scales.data(), zero_points.data(), tensor_scale}, amax, executor);
}

/// The errors of a quantized matrix against its original.
template <class T, class F>
quantization_errors<F> measure(matrix_view<T> original, const quantized<F>& q, executor_ref executor = {}) {
  if (!q) return quantization_errors<F>::refused(q.ec());
  return measure<F>(original, q.codes(), q.scales(), q.zero_points(), q.tensor_scale(),
                    amax(original, NaN::ignore, executor), executor);
}
/// The same of a contiguous container that holds rows * columns values.
template <class C, class F, class = detail::require_container<const C>>
quantization_errors<F> measure(const C& original, const quantized<F>& q, executor_ref executor = {}) {
  if (!detail::fits(original, q.shape())) return quantization_errors<F>::refused(errc::input_size);
  return measure(matrix_view<const detail::value_t<const C>>(original.data(), q.shape()), q, executor);
}

NVQ_END_NAMESPACE
