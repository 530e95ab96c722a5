// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/config.hpp>
#include <nvq/detail/float_environment.hpp>
#include <nvq/detail/tensor_codec.hpp>
#include <nvq/executor.hpp>
#include <nvq/float16.hpp>
#include <nvq/format.hpp>
#include <nvq/recipe.hpp>
#include <nvq/span.hpp>
#include <nvq/status.hpp>
#include <type_traits>
#include <utility>
#include <vector>

// Whole tensors. encode() and decode() work in the caller's memory and allocate nothing; quantize() and
// dequantize() own theirs. Inputs are float, nvq::bfloat16 or nvq::half: a contiguous container with its
// shape, or a matrix_view with a row stride.

NVQ_BEGIN_NAMESPACE

/// What a call may be given beside the recipe.
struct encode_options {
  /// The largest magnitude to encode against, where several tensors share a scale (fused q/k/v take the
  /// largest of the three). Negative: computed from the tensor. Formats without a tensor scale use it for a
  /// WholeTensor block and ignore it otherwise.
  float amax = -1.0f;
  /// One non-negative weight per column; the recipes that search multiply errors by it. Empty: all columns
  /// alike.
  span<const float> importance;
  /// Round stochastically: the element at (r, c) uses random_bits(seed, r * columns + c). Scales are chosen
  /// as always.
  bool stochastic = false;
  std::uint64_t seed = 0;
  /// How tasks are run; one after the other by default. The bytes do not depend on it.
  executor_ref executor;
};

namespace detail {

template <class C>
using value_t = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<C&>().data())>>;

template <class C>
using require_container = decltype(std::declval<C&>().data(), std::declval<C&>().size());
template <class R>
using require_recipe = std::enable_if_t<is_recipe_v<R>>;

/// The types of inputs and outputs.
template <class T>
inline constexpr bool is_value_v =
    std::is_same<std::remove_cv_t<T>, float>::value || std::is_same<std::remove_cv_t<T>, bfloat16>::value ||
    std::is_same<std::remove_cv_t<T>, half>::value;

template <class T>
errc check_input(matrix_view<T> m) noexcept {
  if (!m.shape().valid() || m.row_stride() < m.columns()) return errc::invalid_shape;
  if (m.data() == nullptr && m.shape().size() != 0) return errc::null_pointer;
  return errc::ok;
}

template <class T>
bool is_null(span<T> s) noexcept {
  return s.data() == nullptr && !s.empty();
}

/// The bytes of a quantized matrix, to be written or read.
template <class F, class Byte, class Scale>
errc check_buffers(shape2d shape, span<Byte> codes, span<Scale> scales, span<Byte> zero_points) noexcept {
  if (codes.size() != F::codes_bytes(shape.rows(), shape.columns())) return errc::codes_size;
  if (scales.size() != F::scales_count(shape.rows(), shape.columns())) return errc::scales_size;
  if (F::has_zero_point && zero_points.size() != F::blocks_count(shape.rows(), shape.columns()))
    return errc::zero_points_size;
  if (is_null(codes) || is_null(scales) || is_null(zero_points)) return errc::null_pointer;
  return errc::ok;
}

template <class F, class T>
errc check_encode(matrix_view<const T> in, span<std::uint8_t> codes, span<typename F::scale_type> scales,
                  span<std::uint8_t> zero_points, const encode_options& options) noexcept {
  errc ec = check_input(in);
  if (ec == errc::ok) ec = check_buffers<F>(in.shape(), codes, scales, zero_points);
  if (ec != errc::ok) return ec;
  if (!options.importance.empty() && options.importance.size() != static_cast<std::size_t>(in.columns()))
    return errc::importance_size;
  if (options.stochastic && !has_stochastic<typename F::element>::value) return errc::unsupported_rounding;
  return errc::ok;
}

template <class F, class R>
TensorScales tensor_scales_of(float amax) noexcept {
  TensorScales ts{};
  with_ieee_floats([&] { ts = tensor_scales<F>(amax, R{}); });
  return ts;
}

template <class F, class R, class T>
result encode_checked(matrix_view<const T> in, span<std::uint8_t> codes, span<typename F::scale_type> scales,
                      span<std::uint8_t> zero_points, const float* amax, R, const encode_options& options) {
  static_assert(is_value_v<T>, "nvq: values are float, nvq::bfloat16 or nvq::half");
  using rules = rules_t<R, F>;
  static_assert(rules::template supports<F>, "nvq: this recipe does not apply to this Format");
  const errc ec = check_encode<F>(in, codes, scales, zero_points, options);
  if (ec != errc::ok) return {0, ec};
  if (amax != nullptr && is_negative(*amax)) return {0, errc::invalid_amax};
  const TensorScales ts = tensor_scales_of<F, R>(amax != nullptr ? *amax : 0.0f);
  const float* importance = options.importance.empty() ? nullptr : options.importance.data();
  encode_tensor<F, rules>(in, amax, encode_context{ts, importance, options.stochastic, options.seed},
                          options.executor,
                          encode_target<F>{codes.data(), scales.data(), zero_points.data()});
  return {in.shape().size(), errc::ok};
}

template <class C>
bool fits(const C& container, shape2d shape) noexcept {
  return shape.valid() && container.size() == shape.size();
}

}  // namespace detail

/// The largest magnitude of a matrix; 0 for an empty one. NaN values are ignored unless they are to
/// propagate.
template <class T>
float amax(matrix_view<T> in, NaN nan = NaN::ignore, executor_ref executor = {}) {
  static_assert(detail::is_value_v<T>, "nvq: values are float, nvq::bfloat16 or nvq::half");
  if (detail::check_input(in) != errc::ok) return 0.0f;
  return nan == NaN::ignore ? detail::matrix_statistic<AbsMax>(in.as_const(), executor).amax
                            : detail::matrix_statistic<AbsMaxNaN>(in.as_const(), executor).amax;
}
/// The same of a contiguous container.
template <class C, class T = detail::value_t<const C>>
float amax(const C& values, NaN nan = NaN::ignore, executor_ref executor = {}) {
  // Rows of any length do, since the largest of maxima does not depend on how values are grouped.
  constexpr std::size_t row = std::size_t{1} << 16;
  const std::size_t rows = values.size() / row, rest = values.size() % row;
  const float whole = amax(matrix_view<const T>(values.data(), shape2d(rows, row)), nan, executor);
  const float tail = amax(matrix_view<const T>(values.data() + rows * row, shape2d(1, rest)), nan);
  float largest = whole;
  detail::with_ieee_floats([&] {
    if (!is_nan(whole) && !(whole > tail)) largest = tail;
  });
  return largest;
}

/// The largest magnitude of several tensors that share a scale (q/k/v, gate/up): containers or matrix_views,
/// NaN ignored. Encode each against it.
template <class... Tensors>
float shared_amax(const Tensors&... tensors) {
  float largest = 0.0f;
  const float each[] = {0.0f, amax(tensors)...};
  detail::with_ieee_floats([&] {
    for (const float x : each) largest = max_of(largest, x);
  });
  return largest;
}

/// Encodes a matrix into the caller's memory. Formats without a tensor scale.
///
/// in: [rows, columns], float, bfloat16 or half.
/// codes: exactly F::codes_bytes(rows, columns) bytes, any alignment; every bit is written, padding bits as
/// 0. scales: exactly F::scales_count(rows, columns) elements; decode multipliers, row-major grid of blocks.
/// zero_points: as many bytes, for formats that have them; else empty.
/// Returns rows * columns, or why nothing was written.
template <class F, class T, class R = default_recipe<F>, class = detail::require_recipe<R>>
result encode(matrix_view<T> in, span<std::uint8_t> codes, span<typename F::scale_type> scales,
              span<std::uint8_t> zero_points, R recipe = {}, const encode_options& options = {}) {
  static_assert(!F::has_tensor_scale,
                "nvq::encode: this Format has a tensor scale; pass the amax to encode against");
  return detail::encode_checked<F>(in.as_const(), codes, scales, zero_points,
                                   is_negative(options.amax) ? nullptr : &options.amax, recipe, options);
}
template <class F, class T, class R = default_recipe<F>, class = detail::require_recipe<R>>
result encode(matrix_view<T> in, span<std::uint8_t> codes, span<typename F::scale_type> scales, R recipe = {},
              const encode_options& options = {}) {
  return encode<F>(in, codes, scales, span<std::uint8_t>(), recipe, options);
}

/// Encodes a matrix of a format with a tensor scale against `amax`: the largest magnitude of the matrix,
/// nvq::amax(in), or of all that share its scale. Decoding takes tensor_scales<F>(amax, recipe).decode.
/// Otherwise as above.
template <class F, class T, class R = default_recipe<F>, class = detail::require_recipe<R>>
result encode(matrix_view<T> in, span<std::uint8_t> codes, span<typename F::scale_type> scales, float amax,
              R recipe = {}, const encode_options& options = {}) {
  static_assert(F::has_tensor_scale, "nvq::encode: this Format has no tensor scale and takes no amax");
  return detail::encode_checked<F>(in.as_const(), codes, scales, {}, &amax, recipe, options);
}

/// The same for a contiguous container that holds rows * columns values; further arguments as above.
template <class F, class C, class = detail::require_container<const C>, class... More>
result encode(const C& values, shape2d shape, span<std::uint8_t> codes, span<typename F::scale_type> scales,
              More&&... more) {
  if (!shape.valid()) return {0, errc::invalid_shape};
  if (!detail::fits(values, shape)) return {0, errc::input_size};
  return encode<F>(matrix_view<const detail::value_t<const C>>(values.data(), shape), codes, scales,
                   std::forward<More>(more)...);
}

/// Decodes a matrix: out(r, c) = (code * block scale) * tensor_scale, rounded once to float, then to T where T
/// is narrower.
///
/// codes, scales, zero_points: as encode() wrote them; zero_points empty for formats without.
/// tensor_scale: the decode multiplier, which formats without a tensor scale ignore.
/// out: [rows, columns], float, bfloat16 or half.
template <class F, class T>
result decode(span<const std::uint8_t> codes, span<const typename F::scale_type> scales,
              span<const std::uint8_t> zero_points, matrix_view<T> out, float tensor_scale,
              executor_ref executor = {}) {
  static_assert(detail::is_value_v<T>, "nvq: values are float, nvq::bfloat16 or nvq::half");
  errc ec = detail::check_input(out);
  if (ec == errc::ok) ec = detail::check_buffers<F>(out.shape(), codes, scales, zero_points);
  if (ec != errc::ok) return {0, ec};
  detail::decode_tensor<F>(codes.data(), scales.data(), zero_points.data(), tensor_scale, executor, out);
  return {out.shape().size(), errc::ok};
}
template <class F, class T>
result decode(span<const std::uint8_t> codes, span<const typename F::scale_type> scales,
              span<const std::uint8_t> zero_points, matrix_view<T> out, executor_ref executor = {}) {
  static_assert(!F::has_tensor_scale,
                "nvq::decode: this Format has a tensor scale; pass its decode multiplier");
  return decode<F>(codes, scales, zero_points, out, 1.0f, executor);
}
/// The same into a contiguous container that holds rows * columns values: formats with a tensor scale,
template <class F, class C, class = detail::require_container<C>>
result decode(span<const std::uint8_t> codes, span<const typename F::scale_type> scales, shape2d shape,
              C&& out, float tensor_scale, executor_ref executor = {}) {
  static_assert(F::has_tensor_scale, "nvq::decode: this Format has no tensor scale");
  if (!shape.valid()) return {0, errc::invalid_shape};
  if (!detail::fits(out, shape)) return {0, errc::output_size};
  return decode<F>(codes, scales, {}, matrix_view<detail::value_t<C>>(out.data(), shape), tensor_scale,
                   executor);
}
/// with zero points,
template <class F, class C, class = detail::require_container<C>>
result decode(span<const std::uint8_t> codes, span<const typename F::scale_type> scales,
              span<const std::uint8_t> zero_points, shape2d shape, C&& out, executor_ref executor = {}) {
  static_assert(!F::has_tensor_scale,
                "nvq::decode: this Format has a tensor scale; pass its decode multiplier");
  if (!shape.valid()) return {0, errc::invalid_shape};
  if (!detail::fits(out, shape)) return {0, errc::output_size};
  return decode<F>(codes, scales, zero_points, matrix_view<detail::value_t<C>>(out.data(), shape), 1.0f,
                   executor);
}
/// and with block scales alone.
template <class F, class C, class = detail::require_container<C>>
result decode(span<const std::uint8_t> codes, span<const typename F::scale_type> scales, shape2d shape,
              C&& out, executor_ref executor = {}) {
  static_assert(!F::has_zero_point, "nvq::decode: this Format has zero points; pass them after the scales");
  return decode<F>(codes, scales, span<const std::uint8_t>(), shape, out, executor);
}

/// A quantized matrix that owns its memory. Made by quantize().
template <class F>
class quantized {
 public:
  using format = F;
  using scale_type = typename F::scale_type;

  quantized() = default;
  quantized(shape2d shape, float tensor_scale)
      : shape_(shape),
        tensor_scale_(tensor_scale),
        codes_(F::codes_bytes(shape.rows(), shape.columns())),
        scales_(F::scales_count(shape.rows(), shape.columns())),
        zero_points_(F::has_zero_point ? scales_.size() : 0) {}

  shape2d shape() const noexcept { return shape_; }
  /// Packed codes, F::codes_bytes(rows, columns) bytes.
  std::vector<std::uint8_t>& codes() noexcept { return codes_; }
  const std::vector<std::uint8_t>& codes() const noexcept { return codes_; }
  /// Block scales, decode multipliers, [scale_rows, scale_columns].
  std::vector<scale_type>& scales() noexcept { return scales_; }
  const std::vector<scale_type>& scales() const noexcept { return scales_; }
  /// One byte a block for formats with zero points, else empty.
  std::vector<std::uint8_t>& zero_points() noexcept { return zero_points_; }
  const std::vector<std::uint8_t>& zero_points() const noexcept { return zero_points_; }
  /// The decode multiplier of the tensor: value = code * scale * tensor_scale. 1 for formats without one.
  float tensor_scale() const noexcept { return tensor_scale_; }

  /// Why quantize() refused, or errc::ok; a refused one is empty.
  errc ec() const noexcept { return ec_; }
  explicit operator bool() const noexcept { return ec_ == errc::ok; }
  static quantized refused(errc ec) {
    quantized q;
    q.ec_ = ec;
    return q;
  }

 private:
  shape2d shape_{0, 0};
  float tensor_scale_ = 1.0f;
  std::vector<std::uint8_t> codes_;
  std::vector<scale_type> scales_;
  std::vector<std::uint8_t> zero_points_;
  errc ec_ = errc::ok;
};

/// Quantizes a matrix under a recipe. With a tensor scale and no options.amax the amax is computed first, by
/// the recipe's rule.
template <class F, class T, class R = default_recipe<F>, class = detail::require_recipe<R>>
quantized<F> quantize(matrix_view<T> in, R recipe = {}, const encode_options& options = {}) {
  const errc ec = detail::check_input(in);
  if (ec != errc::ok) return quantized<F>::refused(ec);
  float amax = options.amax;
  if constexpr (F::has_tensor_scale) {
    using statistic = typename detail::rules_t<R, F>::statistic;
    if (is_negative(amax)) amax = detail::matrix_statistic<statistic>(in.as_const(), options.executor).amax;
  }
  quantized<F> q(in.shape(), F::has_tensor_scale ? detail::tensor_scales_of<F, R>(amax).decode : 1.0f);
  const result done = detail::encode_checked<F>(in.as_const(), q.codes(), q.scales(), q.zero_points(),
                                                is_negative(amax) ? nullptr : &amax, recipe, options);
  return done ? std::move(q) : quantized<F>::refused(done.ec);
}
/// The same for a contiguous container that holds rows * columns values.
template <class F, class C, class = detail::require_container<const C>, class R = default_recipe<F>,
          class = detail::require_recipe<R>>
quantized<F> quantize(const C& values, shape2d shape, R recipe = {}, const encode_options& options = {}) {
  if (!shape.valid()) return quantized<F>::refused(errc::invalid_shape);
  if (!detail::fits(values, shape)) return quantized<F>::refused(errc::input_size);
  return quantize<F>(matrix_view<const detail::value_t<const C>>(values.data(), shape), recipe, options);
}
/// Both under the format's default recipe.
template <class F, class T>
quantized<F> quantize(matrix_view<T> in, const encode_options& options) {
  return quantize<F>(in, default_recipe<F>{}, options);
}
template <class F, class C, class = detail::require_container<const C>>
quantized<F> quantize(const C& values, shape2d shape, const encode_options& options) {
  return quantize<F>(values, shape, default_recipe<F>{}, options);
}

/// Decodes a quantized matrix to rows * columns values of T (float, bfloat16 or half).
template <class T, class F>
std::vector<T> dequantize(const quantized<F>& q, executor_ref executor = {}) {
  std::vector<T> out(q.shape().size());
  const result done = decode<F>(q.codes(), q.scales(), q.zero_points(), matrix_view<T>(out.data(), q.shape()),
                                q.tensor_scale(), executor);
  if (!done) out.clear();
  return out;
}

NVQ_END_NAMESPACE
