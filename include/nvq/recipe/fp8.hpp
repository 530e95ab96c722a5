// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for FP8 under a float scale, as the engines compute them. a is the amax of the tensor, row, group or
// tile that shares the scale s, a decode multiplier; E() rounds to the element, nearest even, saturating. 448
// stands for the largest element. Each operator is one float operation. NaN does not enter amaxes unless said
// otherwise.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace fp8 {

struct common : base {
  template <class F>
  static constexpr bool supports = one_scale<F>() && float_element<F>() && scaled_by<F, ScaleFP32>();
};

/// vLLM (csrc/quantization/w8a8/fp8), dynamic scales.
///
///   whole tensor: s = a / 448                               code = E(x * (1 / s))
///   row:          s = max(a / 448, 1 / (448 * 512))         code = E(x / s)
///   group, tile:  s = max(a, 1e-10) / 448                   code = E(x / s)
///
/// The clamp of the kernels turns NaN into +448, in groups into -448. An all-zero tensor has s = 0 and codes
/// +448, which decode to 0.
struct vllm : common {
  template <class F>
  NVQ_HD static constexpr float scale(AbsMax s, TensorScales) noexcept {
    const float max = F::element::largest();
    if constexpr (whole<F>())
      return ScaleFP32::encode(div_rn(s.amax, max));
    else if constexpr (F::block_size == 0)
      return max_of(div_rn(s.amax, max), div_rn(1.0f, mul_rn(max, 512.0f)));
    else
      return div_rn(max_of(s.amax, 1e-10f), max);
  }
  template <class F>
  NVQ_HD static constexpr auto scaler(float s, AbsMax, TensorScales) noexcept {
    if constexpr (whole<F>())
      return Multiply{div_rn(1.0f, s)};
    else
      return Divide{s};
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    if (is_nan(scaled)) return F::element::encode(F::block_size == 0 ? infinity() : negate(infinity()));
    return F::element::encode(scaled);
  }

 private:
  template <class F>
  NVQ_HD static constexpr bool whole() noexcept {
    return F::block::rows == 0;
  }
};

/// TensorRT-LLM per token, without a minimum scale, a' being max(a, 1e-6).
///
///   s = a' / 448
///   code = E(x * min(448 / a', 448 * 512))
struct trtllm : common {
  template <class F>
  NVQ_HD static constexpr float scale(AbsMax s, TensorScales) noexcept {
    return div_rn(max_of(s.amax, 1e-6f), F::element::largest());
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(float, AbsMax s, TensorScales) noexcept {
    const float max = F::element::largest();
    return Multiply{min_of(div_rn(max, max_of(s.amax, 1e-6f)), mul_rn(max, 512.0f))};
  }
};

/// DeepSeek-V3's kernels (9b4e978): s = max(a, 1e-4) / 448, code = E(x / s).
struct deepseek : common {
  template <class F>
  NVQ_HD static constexpr float scale(AbsMax s, TensorScales) noexcept {
    return div_rn(max_of(s.amax, 1e-4f), F::element::largest());
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(float s, AbsMax, TensorScales) noexcept {
    return Divide{s};
  }
};

/// DeepGEMM (54e2261) per token, per channel and per block: s = max(a, 1e-4) / 448, code = E(x * (1 / s)).
/// With E8M0 scales s is the power of two at or above that, its byte in [1, 254]. NaN enters amaxes.
struct deepgemm : base {
  using statistic = AbsMaxNaN;
  template <class F>
  static constexpr bool supports = one_scale<F>() && float_element<F>() && F::element::bits == 8 &&
                                   (scaled_by<F, ScaleFP32>() || scaled_by<F, ScaleE8M0>());
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    const float wanted = div_rn(less(s.amax, 1e-4f) ? 1e-4f : s.amax, F::element::largest());
    if constexpr (scaled_by<F, ScaleE8M0>()) {
      const std::uint8_t e = E8M0::encode(wanted, Rounding::away_from_zero);
      return e < 1 ? std::uint8_t{1} : e > 254 ? std::uint8_t{254} : e;
    } else {
      return F::block_scale::encode(wanted);
    }
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code s, AbsMaxNaN, TensorScales) noexcept {
    return Multiply{div_rn(1.0f, F::block_scale::decode(s))};
  }
};

/// TransformerEngine (d0067d0), current scaling, 1x128 and 128x128.
///
///   S = 448 / a, 1 if a is 0 or Inf, FLT_MAX if that overflows
///   s = 1 / S
///   code = E(x * S)
struct transformer_engine : common {
  template <class F>
  NVQ_HD static constexpr float scale(AbsMax s, TensorScales) noexcept {
    return div_rn(1.0f, encode_scale<F>(s.amax));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(float, AbsMax s, TensorScales) noexcept {
    return Multiply{encode_scale<F>(s.amax)};
  }

 private:
  template <class F>
  NVQ_HD static constexpr float encode_scale(float amax) noexcept {
    if (!is_positive(amax) || !is_finite(amax)) return 1.0f;
    return min_of(div_rn(F::element::largest(), amax), float_max());
  }
};

}  // namespace fp8
}  // namespace recipe

NVQ_END_NAMESPACE
