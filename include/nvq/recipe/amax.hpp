// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace plain {

/// scale = amax / element max, rounded to the scale's type; values are divided by the rounded scale.
struct amax : base {
  template <class F>
  static constexpr bool supports = !F::has_tensor_scale && !F::has_zero_point;

  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    return F::block_scale::encode(s.amax > 0.0f ? div_rn(s.amax, F::element::largest()) : 1.0f);
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code code, AbsMax, TensorScales) noexcept {
    return {F::block_scale::decode(code)};
  }
};

}  // namespace plain
}  // namespace recipe

NVQ_END_NAMESPACE
