// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for formats with an E8M0 block scale: how the exponent e of a block follows from its amax. Values are
// then x * 2^(127-e), which is exact unless it underflows, rounded to the element with saturation.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace mx {

struct common : base {
  using statistic = AbsMaxNaN;
  template <class F>
  static constexpr bool supports = !F::has_tensor_scale && !F::has_zero_point;

  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMaxNaN, TensorScales) noexcept {
    if (code == 0xFF) return {quiet_nan()};
    return {exp2i(127 - static_cast<int>(code))};
  }
};

/// Upward: 2^ceil(log2(amax / element max)).
struct rceil : common {
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    return E8M0::encode(mul_rn(s.amax, div_rn(1.0f, F::element::largest())), Rounding::away_from_zero);
  }
};

}  // namespace mx
}  // namespace recipe

NVQ_END_NAMESPACE
