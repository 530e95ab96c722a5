// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/float16.hpp>
#include <nvq/recipe.hpp>
#include <nvq/span.hpp>

// The block codec: one scale, the codes under it. Written once over the recipe's functions, for values
// wherever they lie: a `Values` has for_each(fn), which calls fn(column, value) for every value of the block
// in order, the column counted in the block.

NVQ_BEGIN_NAMESPACE

namespace detail {

/// A block of consecutive floats.
struct contiguous_values {
  const float* data;
  std::int64_t count;
  NVQ_HD constexpr std::int64_t rows() const noexcept { return 1; }
  NVQ_HD constexpr contiguous_values row(std::int64_t) const noexcept { return *this; }
  template <class Fn>
  NVQ_HD constexpr void for_each(Fn fn) const noexcept {
    for (std::int64_t i = 0; i < count; ++i) fn(i, data[i]);
  }
};

/// A block that is part of a row-major matrix.
template <class T>
struct strided_values {
  matrix_view<const T> block;
  NVQ_HD constexpr std::int64_t rows() const noexcept { return block.rows(); }
  NVQ_HD constexpr strided_values row(std::int64_t r) const noexcept {
    return {matrix_view<const T>(block.row(r), shape2d(1, block.columns()))};
  }
  template <class Fn>
  NVQ_HD constexpr void for_each(Fn fn) const noexcept {
    for (std::int64_t r = 0; r < block.rows(); ++r)
      for (std::int64_t c = 0; c < block.columns(); ++c) fn(c, to_float(block(r, c)));
  }
};

/// The importance of the columns of a block: errors are multiplied by it. Null: all alike.
struct column_weights {
  const float* weight;
  NVQ_HD constexpr float operator()(std::int64_t column, float error) const noexcept {
    return weight == nullptr ? error : mul_rn(weight[column], error);
  }
};

template <class Statistic, class Values>
NVQ_HD constexpr Statistic block_statistic(const Values& values) noexcept {
  Statistic s{};
  values.for_each([&s](std::int64_t, float x) { s.add(x); });
  return s;
}

/// The sum of a recipe's error over values under one scale, added in order.
template <class F, class R, class Values, class Scaler>
NVQ_HD constexpr float error_in_order(const Values& values, column_weights weights, Scaler scaler,
                                      typename F::scale_code scale, typename R::statistic s,
                                      TensorScales ts) noexcept {
  float sum = 0.0f;
  values.for_each([&](std::int64_t column, float x) {
    const std::uint8_t code = R::template element<F>(scaler(x));
    sum = add_rn(sum, weights(column, R::template error<F>(x, code, scale, s, ts)));
  });
  return sum;
}

/// The error of a block. Rows of a tile are summed each in order, then the sums in a tree, the lower half
/// onto the upper one (the order of TransformerEngine's 16x16 tiles).
template <class F, class R, class Values>
NVQ_HD constexpr float block_error(const Values& values, column_weights weights, typename F::scale_code scale,
                                   typename R::statistic s, TensorScales ts) noexcept {
  const auto scaler = R::template scaler<F>(scale, s, ts);
  if constexpr (F::block::rows > 1) {
    float sums[F::block::rows] = {};
    for (std::int64_t r = 0; r < values.rows(); ++r)
      sums[r] = error_in_order<F, R>(values.row(r), weights, scaler, scale, s, ts);
    for (std::int64_t n = F::block::rows; n > 1; n = (n + 1) / 2)
      for (std::int64_t i = 0; i < n / 2; ++i) sums[i] = add_rn(sums[i], sums[i + (n + 1) / 2]);
    return sums[0];
  } else {
    return error_in_order<F, R>(values, weights, scaler, scale, s, ts);
  }
}

/// The scale that rules R choose for a block whose statistic is s.
template <class F, class R, class Values>
NVQ_HD constexpr typename F::scale_code block_scale(const Values& values, column_weights weights,
                                                    typename R::statistic s, TensorScales ts) noexcept {
  if constexpr (is_search<R, F>::value) {
    typename F::scale_code best = R::template candidate<F>(0, s, ts);
    const int n = R::template candidates<F>(s, ts);
    if (n < 2) return best;
    float least = block_error<F, R>(values, weights, best, s, ts);
    for (int i = 1; i < n; ++i) {
      const typename F::scale_code scale = R::template candidate<F>(i, s, ts);
      const float error = block_error<F, R>(values, weights, scale, s, ts);
      if (less(error, least)) {
        least = error;
        best = scale;
      }
    }
    return best;
  } else {
    (void)values, (void)weights;
    return R::template scale<F>(s, ts);
  }
}

NVQ_HD constexpr TensorScales canonical(TensorScales ts) noexcept {
  return {canonical_nan(ts.encode), canonical_nan(ts.decode), ts.amax};
}

}  // namespace detail

/// How NaN values enter an amax.
enum class NaN { ignore, propagate };

/// The scales that a recipe derives from the largest magnitude of a tensor, or of all tensors that share a
/// scale (fused q/k/v). {1, 1} for formats without a tensor scale.
template <class F, class R>
NVQ_HD constexpr TensorScales tensor_scales(float amax, R) noexcept {
  static_assert(is_recipe_v<R>, "nvq: a recipe is derived from nvq::recipe::base");
  if constexpr (F::has_tensor_scale)
    return detail::canonical(detail::rules_t<R, F>::template tensor<F>(amax));
  else
    return {1.0f, 1.0f, amax};
}

/// tensor_scales() under the format's default recipe.
template <class F>
NVQ_HD constexpr TensorScales tensor_scales(float amax) noexcept {
  return tensor_scales<F>(amax, default_recipe<F>{});
}

/// The scales of a tensor whose decode scale g is known before its amax: activations with a calibrated scale (the
/// input_scale of checkpoints). encode = min(1 / g, FLT_MAX), decode = g, amax = g * (largest block scale * largest
/// element), for the recipes that use it; each rounded once. The same under every recipe; larger values saturate.
template <class F>
NVQ_HD constexpr TensorScales tensor_scales_from(float decode_scale) noexcept {
  static_assert(F::has_tensor_scale, "nvq: this format has no tensor scale");
  const float top = mul_rn(F::block_scale::largest(), F::element::largest());
  return detail::canonical(
      {min_of(div_rn(1.0f, decode_scale), float_max()), decode_scale, mul_rn(decode_scale, top)});
}

/// Encodes `count` values as one block: writes one code per byte to codes[0..count) and returns the block's
/// scale. The scalar definition of every codec. Device code has it too.
template <class F, class R>
NVQ_HD constexpr typename F::scale_code encode_block(const float* values, std::int64_t count,
                                                     std::uint8_t* codes, TensorScales ts, R,
                                                     const float* importance = nullptr) noexcept {
  using rules = detail::rules_t<R, F>;
  static_assert(rules::template supports<F>, "nvq: this recipe does not apply to this Format");
  const detail::contiguous_values block{values, count};
  const auto s = detail::block_statistic<typename rules::statistic>(block);
  const auto scale = detail::block_scale<F, rules>(block, detail::column_weights{importance}, s, ts);
  const auto scaler = rules::template scaler<F>(scale, s, ts);
  for (std::int64_t i = 0; i < count; ++i) codes[i] = rules::template element<F>(scaler(values[i]));
  return scale;
}

/// Decodes `count` codes, one per byte, of one block.
template <class F>
NVQ_HD constexpr void decode_block(const std::uint8_t* codes, std::int64_t count,
                                   typename F::scale_code scale, float tensor_scale, float* values) noexcept {
  for (std::int64_t i = 0; i < count; ++i) values[i] = decode_value<F>(codes[i], scale, tensor_scale);
}

NVQ_END_NAMESPACE
