// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/gemv.hpp>
#include <nvq/detail/gemv_int8.hpp>
#include <nvq/executor.hpp>
#include <nvq/span.hpp>
#include <nvq/status.hpp>
#include <nvq/tensor.hpp>

/// \file
/// Products of packed weights with float activations on the CPU, decoded where they are multiplied: an engine reads the
/// packed bytes and nothing else.
///
///     const auto w = nvq::quantize<nvq::INT4_G128>(weights, {rows, columns});
///     nvq::gemv(w, x, y);                        // y[r] = sum over c of w(r, c) * x[c]
///     nvq::gemm(w, activations, outputs);        // [batch, columns] -> [batch, rows]
///
/// Every output is the same bits whatever the instruction set, the threads, the batch and the strides. A float has one
/// order of additions in which it is made:
///
/// - Columns are taken in segments, which end where a block ends and at every multiple of 128.
/// - There are sixteen sums, of zeros at first. The product of column c goes to sum c % 16, or with 4-bit codes to sum
///   c / 8 % 16: eight codes are one word of 32 bits.
/// - Within a segment, each sum's products code(c) * x(c) are added in order of c: the first is rounded, the others are
///   fused (a * b + c is rounded once). A zero point z then adds -z * (the sum of those x, in order), fused.
/// - What results, times the block scale, is added to the sum, fused.
/// - At the end the upper eight sums are added to the lower eight, of these the upper four to the lower four, and so on;
///   what is left is multiplied by the tensor scale, and rounded to the output where that is narrower.
///
/// Nothing is skipped: a NaN or an infinity in x makes the outputs NaN that it would be multiplied into by a zero. NaN
/// is positive and has no payload.

NVQ_BEGIN_NAMESPACE

/// Weights in somebody's memory, as encode() wrote them.
template <class F>
struct packed_weights {
  span<const std::uint8_t> codes;
  span<const typename F::scale_type> scales;
  span<const std::uint8_t> zero_points;  ///< empty for formats without
  shape2d shape{0, 0};                   ///< [outputs, inputs]
  float tensor_scale = 1.0f;             ///< the decode multiplier; formats without a tensor scale ignore it

  packed_weights() = default;
  packed_weights(span<const std::uint8_t> c, span<const typename F::scale_type> s, span<const std::uint8_t> z,
                 shape2d sh, float ts = 1.0f) noexcept
      : codes(c), scales(s), zero_points(z), shape(sh), tensor_scale(ts) {}
  /// Refers to the memory of `q`.
  packed_weights(const quantized<F>& q) noexcept
      : codes(q.codes()),
        scales(q.scales()),
        zero_points(q.zero_points()),
        shape(q.shape()),
        tensor_scale(q.tensor_scale()) {}
};

namespace detail {
template <class F, class T, class U>
errc check_product(const packed_weights<F>& weights, matrix_view<T> x, matrix_view<U> y) noexcept {
  static_assert(is_value_v<T> && is_value_v<U>, "nvq: values are float, nvq::bfloat16 or nvq::half");
  if (!weights.shape.valid()) return errc::invalid_shape;
  errc ec = check_input(x);
  if (ec == errc::ok) ec = check_input(y);
  if (ec == errc::ok)
    ec = check_buffers<F>(weights.shape, weights.codes, weights.scales, weights.zero_points);
  if (ec == errc::ok && x.columns() != weights.shape.columns()) ec = errc::input_size;
  if (ec == errc::ok && (y.rows() != x.rows() || y.columns() != weights.shape.rows())) ec = errc::output_size;
  return ec;
}
template <class F>
weight_bytes<F> bytes_of(const packed_weights<F>& w) noexcept {
  return {w.codes.data(), w.scales.data(), w.zero_points.data(), w.shape};
}
}  // namespace detail

/// y(b, r) = tensor scale * sum over c of code(r, c) * block scale * x(b, c), added in the order above.
///
/// weights: [rows, columns]. x: [batch, columns], float, bfloat16 or half. y: [batch, rows], likewise.
/// Weights are decoded once for up to four rows of x; a batch of hundreds is better served by decode() and a library.
/// Allocates batch * columns floats. Returns batch * rows, or why nothing was written.
template <class F, class T, class U>
result gemm(const packed_weights<F>& weights, matrix_view<T> x, matrix_view<U> y,
            executor_ref executor = {}) {
  const errc ec = detail::check_product(weights, x, y);
  if (ec != errc::ok) return {0, ec};
  detail::multiply<F>(detail::bytes_of(weights), weights.tensor_scale, x.as_const(), y, executor);
  return {y.shape().size(), errc::ok};
}
template <class F, class T, class U>
result gemm(const quantized<F>& weights, matrix_view<T> x, matrix_view<U> y, executor_ref executor = {}) {
  return gemm(packed_weights<F>(weights), x, y, executor);
}

/// The same of one vector: x and y are contiguous containers of `columns` and `rows` values.
template <class F, class C, class D, class = detail::require_container<const C>,
          class = detail::require_container<D>>
result gemv(const packed_weights<F>& weights, const C& x, D&& y, executor_ref executor = {}) {
  if (!weights.shape.valid()) return {0, errc::invalid_shape};
  const auto rows = static_cast<std::size_t>(weights.shape.rows()),
             columns = static_cast<std::size_t>(weights.shape.columns());
  if (x.size() != columns) return {0, errc::input_size};
  if (y.size() != rows) return {0, errc::output_size};
  return gemm(weights, matrix_view<const detail::value_t<const C>>(x.data(), shape2d(1, columns)),
              matrix_view<detail::value_t<D>>(y.data(), shape2d(1, rows)), executor);
}
template <class F, class C, class D, class = detail::require_container<const C>,
          class = detail::require_container<D>>
result gemv(const quantized<F>& weights, const C& x, D&& y, executor_ref executor = {}) {
  return gemv(packed_weights<F>(weights), x, y, executor);
}

/// gemm() with x rounded to int8, for formats whose elements are integers, or halves of integers: E2M1, Int4, Int8, UInt4 with
/// zero points. Less than a third of the instructions; the error is that of x in eight bits.
///
/// Blocks of 32 columns of x get the scale amax / 127 and the integers nearest to x / scale. Sum c / 8 % 16 (c / 4 % 16 with
/// 8-bit codes) gets the integer sum of its eight (four) consecutive columns, which is exact, times the rounded product of both
/// scales, fused. The end is gemm()'s, halved before the tensor scale where elements are halves. A block of x with a NaN or an
/// infinity makes all outputs NaN.
template <class F, class T, class U>
result gemm_int8(const packed_weights<F>& weights, matrix_view<T> x, matrix_view<U> y,
                 executor_ref executor = {}) {
  static_assert(detail::has_integers_v<F>,
                "nvq::gemm_int8: the elements of this Format are no small integers");
  const errc ec = detail::check_product(weights, x, y);
  if (ec != errc::ok) return {0, ec};
  detail::multiply_int8<F>(detail::bytes_of(weights), weights.tensor_scale, x.as_const(), y, executor);
  return {y.shape().size(), errc::ok};
}
template <class F, class T, class U>
result gemm_int8(const quantized<F>& weights, matrix_view<T> x, matrix_view<U> y,
                 executor_ref executor = {}) {
  return gemm_int8(packed_weights<F>(weights), x, y, executor);
}

NVQ_END_NAMESPACE
