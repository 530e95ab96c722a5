// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for one scale of any type and any element: FP8, INT8, INT4 and formats of the user's own. a is the
// amax of the block, E() rounds to the element, nearest even, saturating. s is the scale after rounding to
// its type, and values are divided by it, so that nothing is lost by a narrow scale but its range. Each
// operator is one float operation. NaN does not enter amaxes.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace plain {

struct common : base {
  template <class F>
  static constexpr bool supports = one_scale<F>() && !scaled_by<F, ScaleE8M0>();
  template <class F, class Statistic>
  NVQ_HD static constexpr DivideOrZero scaler(typename F::scale_code code, Statistic, TensorScales) noexcept {
    return DivideOrZero{F::block_scale::decode(code)};
  }
};

/// s = a / element max, code = E(x / s). Integers use [-max, max]: -8 and -128 do not occur. A zero block has
/// s = 1. A scale too small for its type is 0 and the block's codes are 0.
struct amax : common {
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    return F::block_scale::encode(is_positive(s.amax) ? div_rn(s.amax, F::element::largest()) : 1.0f);
  }
};

/// The value m of largest magnitude gets the code of the lowest element: s = m / -8 (-128), negative where m
/// is positive, so that the whole range of a signed integer is used (the rule of ggml's Q4_0). The first of
/// equal magnitudes is m.
struct signed_max : common {
  using statistic = SignedMax;
  template <class F>
  static constexpr bool supports = integer_element<F>() && F::element::is_signed&& common::supports<F>;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(SignedMax s, TensorScales) noexcept {
    return F::block_scale::encode(is_positive(s.amax) ? div_rn(s.value, F::element::lowest()) : 1.0f);
  }
};

/// The scale of least squared error (weighted, with importance weights) on a grid (nvq's own).
///
///   s = a / (max * (0.70 + 0.02 * i)), i = 0 ... 59, amax's own scale (i = 15) first
///
/// Errors are taken in units of a power of two near a and added in order of index; the first least sum wins.
struct mse : common {
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax s, TensorScales) noexcept {
    return is_positive(s.amax) ? 60 : 1;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales ts) noexcept {
    if (i == 0) return amax::scale<F>(s, ts);
    const int step = i <= 15 ? i - 1 : i;
    const float stretch = div_rn(static_cast<float>(35 + step), 50.0f);
    return F::block_scale::encode(div_rn(s.amax, mul_rn(F::element::largest(), stretch)));
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale, AbsMax s,
                                      TensorScales) noexcept {
    const int exponent = static_cast<int>(float_bits(s.amax) >> 23) - 127;
    const float unit = exp2i(exponent > 126 ? -126 : exponent < -126 ? 126 : -exponent);
    const float decoded = mul_rn(F::element::decode(code), mul_rn(F::block_scale::decode(scale), unit));
    const float d = sub_rn(mul_rn(x, unit), decoded);
    return mul_rn(d, d);
  }
};

}  // namespace plain
}  // namespace recipe

NVQ_END_NAMESPACE
