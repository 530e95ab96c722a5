// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for formats with an E4M3 block scale under a float tensor scale (NVFP4 and its relatives), each the
// formula of one owner.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace nvfp4 {

/// What these rules share: they need a tensor scale and a block scale with a rounding of its own.
struct common : base {
  template <class F>
  static constexpr bool supports = F::has_tensor_scale && !F::has_zero_point;
};

/// TransformerEngine.
struct transformer_engine : common {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_with<F>(amax, F::block_scale::largest());
  }
  template <class F>
  NVQ_HD static constexpr TensorScales tensor_with(float amax, float scale_max) noexcept {
    const float top = mul_rn(scale_max, F::element::largest());
    float encode = min_of(div_rn(top, amax), float_max());
    if (amax == 0.0f || encode == 0.0f) encode = 1.0f;
    return {encode, div_rn(1.0f, encode), amax};
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales ts) noexcept {
    const float per_max = mul_rn(ts.encode, div_rn(1.0f, F::element::largest()));
    return F::block_scale::encode(min_of(mul_rn(s.amax, per_max), float_max()));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMax, TensorScales ts) noexcept {
    return {min_of(div_rn(1.0f, mul_rn(F::block_scale::decode(code), div_rn(1.0f, ts.encode))), float_max())};
  }
};

/// NVIDIA Model Optimizer.
struct modelopt : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales ts) noexcept {
    float value = div_rn(s.amax, mul_rn(F::element::largest(), ts.decode));
    if (value == 0.0f) value = 1.0f;
    return F::block_scale::encode(
        max_of(F::block_scale::min_positive(), min_of(value, F::block_scale::largest())));
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code code, AbsMaxNaN, TensorScales ts) noexcept {
    return {mul_rn(F::block_scale::decode(code), ts.decode)};
  }
};

/// torchao (two-level scaling).
struct torchao : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales ts) noexcept {
    const float value = div_rn(div_rn(s.amax, F::element::largest()), ts.decode);
    return F::block_scale::encode(min_of(max_of(value, exp2i(-6)), F::block_scale::largest()));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMaxNaN, TensorScales ts) noexcept {
    return {div_rn(div_rn(1.0f, ts.decode), F::block_scale::decode(code))};
  }
};

/// The window sweep.
struct mse : common {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_for<F>(amax, 256.0f);
  }
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax s, TensorScales) noexcept {
    return s.amax > 0.0f ? 10 : 1;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales ts) noexcept {
    if (!(s.amax > 0.0f)) return 0;
    const int center = F::block_scale::encode(div_rn(div_rn(s.amax, ts.decode), F::element::largest()));
    // The amax code itself comes first, so that it is kept on a tie; then c-2, c-1, c+1 ... c+7.
    const int code = i == 0 ? center : i <= 2 ? center - 3 + i : center - 2 + i;
    const int last = UE4M3::max_code();
    return static_cast<typename F::scale_code>(code < 1 ? 1 : code > last ? last : code);
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code code, AbsMax, TensorScales ts) noexcept {
    return {mul_rn(F::block_scale::decode(code), ts.decode)};
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale,
                                      TensorScales ts) noexcept {
    const float y = div_rn(x, ts.decode);
    const float d = sub_rn(y, mul_rn(F::element::decode(code), F::block_scale::decode(scale)));
    return mul_rn(d, d);
  }
};

/// FourOverSix.
struct four_over_six : transformer_engine {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_with<F>(amax, 256.0f);
  }
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax, TensorScales) noexcept {
    return 2;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales ts) noexcept {
    const float base = mul_rn(div_rn(s.amax, F::element::largest()), ts.encode);
    return F::block_scale::encode(i == 0 ? base : mul_rn(base, 1.5f));
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale,
                                      TensorScales ts) noexcept {
    const float d = sub_rn(x, decode_value<F>(code, scale, ts.decode));
    return mul_rn(d, d);
  }
};

}  // namespace nvfp4
}  // namespace recipe

NVQ_END_NAMESPACE
