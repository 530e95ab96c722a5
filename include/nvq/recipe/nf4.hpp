// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace nf4 {

/// bitsandbytes 0.50, quantize_4bit: scale = a, code = NF4(clamp(x * (1 / max(a, 1e-38)), -1, 1)). A zero
/// block has scale 0 and codes 7 (0). bitsandbytes blocks the flattened tensor, nvq each row: the same where
/// 64 divides the columns.
struct bitsandbytes : base {
  template <class F>
  static constexpr bool supports = one_scale<F>() && std::is_same<typename F::element, NormalFloat4>::value;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    return F::block_scale::encode(s.amax);
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code, AbsMax s, TensorScales) noexcept {
    return Multiply{div_rn(1.0f, max_of(s.amax, 1e-38f))};
  }
};

}  // namespace nf4
}  // namespace recipe

NVQ_END_NAMESPACE
