// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for INT8 and INT4 as their owners compute them. a is the amax of the block, s the decode scale as
// stored, z its zero point. Each operator is one float operation; round() is to nearest even. NaN does not
// enter a statistic and encodes as 0.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace integer {

/// Signed integers under one scale.
template <class F>
NVQ_HD constexpr bool symmetric() noexcept {
  return one_scale<F>() && integer_element<F>() && F::element::is_signed;
}
/// Unsigned integers under a scale and a zero point.
template <class F>
NVQ_HD constexpr bool affine() noexcept {
  return !F::has_tensor_scale && F::has_zero_point && integer_element<F>() && !F::element::is_signed;
}

/// compressed-tensors 0.20, symmetric, float32 weights; also its FP8.
///
///   s = a / 7.5 (127.5; FP8: a / 448), 2^-23 if that is 0      code = round(clamp(x / s, -8, 7))
///
/// with the scale unrounded where its stored type is narrower, as that tool divides before it casts.
struct compressed_tensors : base {
  template <class F>
  static constexpr bool supports = symmetric<F>() ||
                                   (one_scale<F>() && float_element<F>() && !scaled_by<F, ScaleE8M0>());
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    return F::block_scale::encode(wanted<F>(s));
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code, AbsMax s, TensorScales) noexcept {
    return {wanted<F>(s)};
  }

 private:
  template <class F>
  NVQ_HD static constexpr float wanted(AbsMax s) noexcept {
    const float top = float_element<F>() ? F::element::largest() : F::element::largest() + 0.5f;
    const float scale = div_rn(s.amax, top);
    return scale == 0.0f ? exp2i(-23) : scale;
  }
};

/// vLLM, INT8 per token: s = a / 127, code = round(x * (127 / a)), 0 for a zero row.
struct vllm : base {
  template <class F>
  static constexpr bool supports = symmetric<F>() && scaled_by<F, ScaleFP32>();
  template <class F>
  NVQ_HD static constexpr float scale(AbsMax s, TensorScales) noexcept {
    return div_rn(s.amax, F::element::largest());
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(float, AbsMax s, TensorScales) noexcept {
    return {s.amax == 0.0f ? 0.0f : div_rn(F::element::largest(), s.amax)};
  }
};

/// ggml (d99724f), the formulas of Q4_0 and Q8_0 for 4- and 8-bit signed integers under a binary16 scale.
///
///   Q4_0: m the value of largest magnitude, the first of equals; d = m / -8; code = min(15, trunc(x * (1 /
///   d) + 8.5)) - 8 Q8_0: d = a / 127; code = x * (1 / d) rounded half away from zero
///
/// s = d rounded to binary16; codes follow from the unrounded d. A zero block has s = 0 (Q4_0: -0) and codes
/// 0.
struct ggml : base {
  using statistic = SignedMax;
  template <class F>
  static constexpr bool supports = symmetric<F>() && scaled_by<F, ScaleFP16>() &&
                                   (F::element::bits == 4 || F::element::bits == 8);
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(SignedMax s, TensorScales) noexcept {
    return F::block_scale::encode(step<F>(s));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code, SignedMax s, TensorScales) noexcept {
    const float d = step<F>(s);
    return {d == 0.0f ? 0.0f : div_rn(1.0f, d)};
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    if (is_nan(scaled)) return 0;
    const float limited = clamp(scaled, -200.0f, 200.0f);
    if constexpr (F::element::bits == 4) {
      const int q = static_cast<int>(add_rn(limited, 8.5f));
      return F::element::encode(static_cast<float>((q > 15 ? 15 : q) - 8));
    } else {
      const float magnitude = static_cast<float>(static_cast<int>(abs(limited)));
      const float away = abs(limited) - magnitude >= 0.5f ? magnitude + 1.0f : magnitude;
      return F::element::encode(limited < 0.0f ? -away : away);
    }
  }

 private:
  template <class F>
  NVQ_HD static constexpr float step(SignedMax s) noexcept {
    return F::element::bits == 4 ? div_rn(s.value, -8.0f) : div_rn(s.amax, 127.0f);
  }
};

/// Brings an input onto unsigned codes: round(x / s) + z. The element clamps.
struct AffineScaler {
  float scale;
  float zero_point;
  NVQ_HD constexpr float operator()(float x) const noexcept {
    return add_rn(round_even(div_rn(x, scale)), zero_point);
  }
};

/// The range [lo, hi] of the values and zero on [0, 15] (nvq's own; the scale is rounded first and everything
/// follows from it).
///
///   s = (hi - lo) / 15, 1 if that is 0      z = clamp(round(-lo / s), 0, 15)      code = clamp(round(x / s)
///   + z, 0, 15)
struct asymmetric : base {
  using statistic = MinMax;
  template <class F>
  static constexpr bool supports = affine<F>();
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(MinMax s, TensorScales) noexcept {
    const float wanted = div_rn(sub_rn(s.max, s.min), F::element::largest());
    auto code = F::block_scale::encode(wanted);
    if (F::block_scale::decode(code) == 0.0f) code = F::block_scale::encode(1.0f);
    const float z =
        clamp(round_even(div_rn(-s.min, F::block_scale::decode(code))), 0.0f, F::element::largest());
    return {code, static_cast<std::uint8_t>(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, MinMax, TensorScales) noexcept {
    return {F::block_scale::decode(code.scale), static_cast<float>(code.zero_point)};
  }
};

/// GPTQ's quantizer (AutoGPTQ 9f7d370, GPTQModel f4c327a), asymmetric: as asymmetric, but z and codes follow
/// from the unrounded float scale; a zero block counts as [-1, 1].
struct gptq : base {
  using statistic = MinMax;
  template <class F>
  static constexpr bool supports = affine<F>();
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(MinMax s, TensorScales) noexcept {
    const float z = round_even(div_rn(-lowest(s), step<F>(s)));
    return {F::block_scale::encode(step<F>(s)), static_cast<std::uint8_t>(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, MinMax s, TensorScales) noexcept {
    return {step<F>(s), static_cast<float>(code.zero_point)};
  }

 private:
  NVQ_HD static constexpr bool empty(MinMax s) noexcept { return s.min == 0.0f && s.max == 0.0f; }
  NVQ_HD static constexpr float lowest(MinMax s) noexcept { return empty(s) ? -1.0f : s.min; }
  template <class F>
  NVQ_HD static constexpr float step(MinMax s) noexcept {
    return empty(s) ? div_rn(2.0f, F::element::largest())
                    : div_rn(sub_rn(s.max, s.min), F::element::largest());
  }
};

/// AWQ's pseudo-quantizer (AutoAWQ 88e4c76) with zero points: the range does not include zero.
///
///   d = max(hi - lo, 1e-5) / 15, s = d as stored      z = clamp(-round(lo / d), 0, 15)      code =
///   clamp(round(x / d) + z, 0, 15)
struct awq : base {
  using statistic = Range;
  template <class F>
  static constexpr bool supports = affine<F>();
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(Range s, TensorScales) noexcept {
    const float z = clamp(-round_even(div_rn(s.min, step<F>(s))), 0.0f, F::element::largest());
    return {F::block_scale::encode(step<F>(s)), static_cast<std::uint8_t>(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, Range s, TensorScales) noexcept {
    return {step<F>(s), static_cast<float>(code.zero_point)};
  }

 private:
  template <class F>
  NVQ_HD static constexpr float step(Range s) noexcept {
    return div_rn(max_of(sub_rn(s.max, s.min), 1e-5f), F::element::largest());
  }
};

}  // namespace integer
}  // namespace recipe

NVQ_END_NAMESPACE
