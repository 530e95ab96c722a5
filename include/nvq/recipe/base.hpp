// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/format.hpp>
#include <type_traits>

// What a recipe is: how the scale of a block is chosen and how its values are rounded, given a Format.
//
// A recipe is a stateless type derived from nvq::recipe::base, passed by value (nvq::recipe::modelopt). It says
//
//   statistic                              what is gathered of a block: AbsMax, SignedMax, MinMax ...
//   tensor<F>(amax)           -> TensorScales       for formats with a tensor scale
//   scale<F>(stat, ts)        -> F::scale_code      the block's scale
//   scaler<F>(code, stat, ts) -> float -> float     how an input is brought to the element's range
//   element<F>(scaled)        -> code               rounding to the element; by default Element::encode
//
// and inherits what it does not say. A recipe that searches says `candidates<F>(stat, ts)` (how many) and
// `candidate<F>(i, stat, ts)` (the i-th scale) in place of scale(), and `error<F>(x, code, scale, stat, ts)`, the error
// of one value; the candidate with the smallest sum over the block wins, the earlier one on a tie.
//
// A statistic of one's own has `void add(float)`, `void merge(Statistic)` and, for formats with a tensor scale, a
// member `float amax`.
//
// A recipe that means different things for different families of formats says
// `template <class F> using rules = ...`, the type that holds the members above for F.

NVQ_BEGIN_NAMESPACE

// Statistics of a block. Adding is commutative except for SignedMax, where the first of equal magnitudes
// wins, so that any split of a tensor into tasks that are merged in order gives the same result.

/// max |x|. NaN is ignored.
struct AbsMax {
  float amax = 0.0f;
  NVQ_HD constexpr void add(float x) noexcept { amax = max_magnitude(amax, x); }
  NVQ_HD constexpr void merge(AbsMax other) noexcept { add(other.amax); }
};

/// max |x|, NaN if any x is NaN: the rule of PyTorch's amax().
struct AbsMaxNaN {
  float amax = 0.0f;
  NVQ_HD constexpr void add(float x) noexcept {
    // As integers, the bits of NaNs lie above those of infinity.
    const std::uint32_t a = float_bits(x) & 0x7FFFFFFFu;
    if (float_bits(amax) < a) amax = float_from_bits(a);
  }
  NVQ_HD constexpr void merge(AbsMaxNaN other) noexcept { add(other.amax); }
};

/// The value of largest magnitude with its sign; the first one of equals. NaN is ignored.
struct SignedMax {
  float amax = 0.0f;
  float value = 0.0f;
  NVQ_HD constexpr void add(float x) noexcept {
    const float a = abs(x);
    if (less(amax, a)) {
      amax = a;
      value = x;
    }
  }
  NVQ_HD constexpr void merge(SignedMax other) noexcept { add(other.value); }
};

/// The range of the values and zero. NaN is ignored.
struct MinMax {
  float amax = 0.0f;
  float min = 0.0f;
  float max = 0.0f;
  NVQ_HD constexpr void add(float x) noexcept {
    if (less(x, min)) min = x;
    if (less(max, x)) max = x;
    amax = max_of(max, negate(min));
  }
  NVQ_HD constexpr void merge(MinMax other) noexcept {
    add(other.min);
    add(other.max);
  }
};

/// The range of the values. NaN is ignored.
struct Range {
  float amax = 0.0f;
  float min = infinity();
  float max = negate(infinity());
  NVQ_HD constexpr void add(float x) noexcept {
    if (less(x, min)) min = x;
    if (less(max, x)) max = x;
    const float a = abs(x);
    if (less(amax, a)) amax = a;
  }
  NVQ_HD constexpr void merge(Range other) noexcept {
    // Not add(): the bounds of a range without values are infinities that are no values.
    if (less(other.min, min)) min = other.min;
    if (less(max, other.max)) max = other.max;
    if (less(amax, other.amax)) amax = other.amax;
  }
};

// Scalers: how an input is brought to the range of the element.

/// x * factor, rounded once.
struct Multiply {
  float factor;
  NVQ_HD constexpr float operator()(float x) const noexcept { return mul_rn(x, factor); }
};

/// x / divisor, rounded once.
struct Divide {
  float divisor;
  NVQ_HD constexpr float operator()(float x) const noexcept { return div_rn(x, divisor); }
};

/// x / divisor, rounded once; +-0 for a divisor of zero, so that a block whose scale underflowed encodes
/// zeros.
struct DivideOrZero {
  float divisor;
  NVQ_HD constexpr float operator()(float x) const noexcept {
    return is_zero(divisor) ? float_from_bits(float_bits(x) & 0x80000000u) : div_rn(x, divisor);
  }
};

/// What the code of a value decodes to: (code * block scale) * tensor scale. The inner product is exact in
/// float for elements and block scales of at most 12 significant bits, so there is one rounding.
template <class F>
NVQ_HD constexpr float decode_value(std::uint8_t code, typename F::scale_code scale,
                                    float tensor_scale) noexcept {
  using S = typename F::block_scale;
  float value = 0.0f;
  if constexpr (F::has_zero_point) {
    const float steps = sub_rn(F::element::decode(code), F::element::decode(scale.zero_point));
    value = mul_rn(steps, S::decode(scale.scale));
  } else {
    value = mul_rn(F::element::decode(code), S::decode(scale));
  }
  if constexpr (F::has_tensor_scale) value = mul_rn(value, tensor_scale);
  return value;
}

namespace recipe {

// What recipes ask of a format to say whether they apply.

/// One scale per block and nothing else: no tensor scale, no zero points.
template <class F>
NVQ_HD constexpr bool one_scale() noexcept {
  return !F::has_tensor_scale && !F::has_zero_point;
}
/// The block scale is a Scale.
template <class F, class Scale>
NVQ_HD constexpr bool scaled_by() noexcept {
  return std::is_same<typename F::block_scale, Scale>::value;
}
/// The element is a floating-point number (not E8M0, nor a table).
template <class F>
NVQ_HD constexpr bool float_element() noexcept {
  return nvq::detail::is_float_v<typename F::element>;
}
/// The element is an integer.
template <class F>
NVQ_HD constexpr bool integer_element() noexcept {
  return nvq::detail::is_integer_v<typename F::element>;
}

/// The base of every recipe.
struct base {
  using statistic = AbsMax;

  template <class F>
  static constexpr bool supports = true;

  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    return F::element::encode(scaled);
  }

  /// encode = top / amax, decode = amax / top with top = largest block scale * largest element, each rounded
  /// once. {1, 1} for an amax of zero or one that is not finite or so small that amax / top is zero.
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_for<F>(amax, F::block_scale::largest());
  }

 protected:
  /// tensor() with `scale_max` in the place of the largest block scale.
  template <class F>
  NVQ_HD static constexpr TensorScales tensor_for(float amax, float scale_max) noexcept {
    const float top = mul_rn(scale_max, F::element::largest());
    const float decode = div_rn(amax, top);
    if (!is_positive(decode) || !is_finite(amax)) return {1.0f, 1.0f, amax};
    return {min_of(div_rn(top, amax), float_max()), decode, amax};
  }
};

}  // namespace recipe

namespace detail {

template <class R, class F, class = void>
struct rules_of {
  using type = R;
};
template <class R, class F>
struct rules_of<R, F, std::void_t<typename R::template rules<F>>> {
  using type = typename R::template rules<F>;
};
/// The type that holds a recipe's members for a format.
template <class R, class F>
using rules_t = typename rules_of<R, F>::type;

template <class R, class F, class = void>
struct is_search : std::false_type {};
template <class R, class F>
struct is_search<R, F,
                 std::void_t<decltype(R::template candidates<F>(typename R::statistic{}, TensorScales{}))>>
    : std::true_type {};

}  // namespace detail

template <class R>
inline constexpr bool is_recipe_v = std::is_base_of<recipe::base, R>::value;

/// Whether a recipe applies to a format.
template <class R, class F>
inline constexpr bool supports_v = detail::rules_t<R, F>::template supports<F>;

NVQ_END_NAMESPACE
