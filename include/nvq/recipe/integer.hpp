// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/float16.hpp>
#include <nvq/recipe/base.hpp>

// Rules for INT8 and INT4 as their owners compute them. a is the amax of the block, s the decode scale as
// stored, z its zero point. Each operator is one float operation; round() is to nearest even. NaN does not
// enter a statistic unless said otherwise and encodes as 0; so does a zero point that comes out as NaN.

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

/// x / divisor, rounded to float and, where `Bf16` says so, to bfloat16.
template <bool Bf16>
struct DivideIn {
  float divisor;
  NVQ_HD constexpr float operator()(float x) const noexcept {
    const float quotient = div_rn(x, divisor);
    return Bf16 ? to_float(bfloat16(quotient)) : quotient;
  }
};

/// compressed-tensors 0.20 (llm-compressor), symmetric, for float32 weights; `Bf16` for bfloat16 weights, of
/// which it rounds the quotients marked [] to bfloat16. Also its FP8, with 448 for 7.5 and E() for round().
///
///   s = [a / 7.5] (127.5; FP8: 448), 2^-23 (Bf16: 2^-7) if that is 0
///   code = round(clamp([x / s], -8, 7))
///
/// NaN enters amaxes.
template <bool Bf16>
struct compressed_tensors : base {
  using statistic = AbsMaxNaN;
  template <class F>
  static constexpr bool supports = symmetric<F>() ||
                                   (one_scale<F>() && float_element<F>() && !scaled_by<F, ScaleE8M0>());
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    const float top = float_element<F>() ? F::element::largest() : add_rn(F::element::largest(), 0.5f);
    const float scale = DivideIn<Bf16>{top}(s.amax);
    return F::block_scale::encode(is_zero(scale) ? exp2i(Bf16 ? -7 : -23) : scale);
  }
  template <class F>
  NVQ_HD static constexpr DivideIn<Bf16> scaler(typename F::scale_code code, AbsMaxNaN,
                                                TensorScales) noexcept {
    return DivideIn<Bf16>{F::block_scale::decode(code)};
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
    return Multiply{is_zero(s.amax) ? 0.0f : div_rn(F::element::largest(), s.amax)};
  }
};

/// ggml (d99724f), the formulas of Q4_0 and Q8_0 for 4- and 8-bit signed integers under a binary16 scale.
///
///   Q4_0: d = m / -8, m being the value of largest magnitude, the first of equals
///         code = min(15, trunc(x * (1 / d) + 8.5)) - 8
///   Q8_0: d = a / 127
///         code = x * (1 / d) rounded half away from zero
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
    return Multiply{is_zero(d) ? 0.0f : div_rn(1.0f, d)};
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    if (is_nan(scaled)) return 0;
    const float limited = clamp(scaled, -200.0f, 200.0f);
    if constexpr (F::element::bits == 4) {
      const int q = to_int(add_rn(limited, 8.5f));
      return F::element::encode(static_cast<float>((q > 15 ? 15 : q) - 8));
    } else {
      const int magnitude = to_int(abs(limited));
      const bool up = !less(sub_rn(abs(limited), static_cast<float>(magnitude)), 0.5f);
      const int away = up ? magnitude + 1 : magnitude;
      return F::element::encode(static_cast<float>(sign_bit(limited) ? -away : away));
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
///   s = (hi - lo) / 15, 1 if that is 0
///   z = clamp(round(-lo / s), 0, 15)
///   code = clamp(round(x / s) + z, 0, 15)
struct asymmetric : base {
  using statistic = MinMax;
  template <class F>
  static constexpr bool supports = affine<F>();
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(MinMax s, TensorScales) noexcept {
    const float wanted = div_rn(sub_rn(s.max, s.min), F::element::largest());
    auto code = F::block_scale::encode(wanted);
    if (is_zero(F::block_scale::decode(code))) code = F::block_scale::encode(1.0f);
    const float z =
        clamp(round_even(div_rn(negate(s.min), F::block_scale::decode(code))), 0.0f, F::element::largest());
    return {code, F::element::encode(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, MinMax, TensorScales) noexcept {
    return AffineScaler{F::block_scale::decode(code.scale), static_cast<float>(code.zero_point)};
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
    const float z = round_even(div_rn(negate(lowest(s)), step<F>(s)));
    return {F::block_scale::encode(step<F>(s)), F::element::encode(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, MinMax s, TensorScales) noexcept {
    return AffineScaler{step<F>(s), static_cast<float>(code.zero_point)};
  }

 private:
  NVQ_HD static constexpr bool empty(MinMax s) noexcept { return is_zero(s.min) && is_zero(s.max); }
  NVQ_HD static constexpr float lowest(MinMax s) noexcept { return empty(s) ? -1.0f : s.min; }
  template <class F>
  NVQ_HD static constexpr float step(MinMax s) noexcept {
    return empty(s) ? div_rn(2.0f, F::element::largest())
                    : div_rn(sub_rn(s.max, s.min), F::element::largest());
  }
};

/// compressed-tensors 0.20, asymmetric, float32 weights. Its codes and zero points are signed; 8 is added to
/// both here.
///
///   s = (hi - lo) / 15, 2^-23 if that is 0
///   z = round(clamp(-8 - lo / s, -8, 7))
///   code = round(clamp(x / s + z, -8, 7))
///
/// with lo <= 0 <= hi. A zero block has z = 0 and codes 0 (8 as stored). Where (hi - lo) / 15 underflows and
/// lo is negative, z = 7 (15 as stored).
struct compressed_tensors_affine : base {
  using statistic = MinMax;
  template <class F>
  static constexpr bool supports = affine<F>();
  struct Scaler {
    float scale, zero_point, offset;
    NVQ_HD constexpr float operator()(float x) const noexcept {
      const float code = add_rn(div_rn(x, scale), sub_rn(zero_point, offset));
      return add_rn(round_even(clamp(code, negate(offset), sub_rn(offset, 1.0f))), offset);
    }
  };
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(MinMax s, TensorScales) noexcept {
    const float wanted = div_rn(sub_rn(s.max, s.min), F::element::largest());
    const float offset = half_range<F>();
    if (is_zero(wanted)) {  // replaced only after lo was divided by it: -lo / 0 is infinite
      const float z = is_zero(s.min) ? offset : F::element::largest();
      return {F::block_scale::encode(exp2i(-23)), F::element::encode(z)};
    }
    const auto code = F::block_scale::encode(wanted);
    const float z = clamp(sub_rn(negate(offset), div_rn(s.min, F::block_scale::decode(code))), negate(offset),
                          sub_rn(offset, 1.0f));
    return {code, F::element::encode(add_rn(round_even(z), offset))};
  }
  template <class F>
  NVQ_HD static constexpr Scaler scaler(typename F::scale_code code, MinMax, TensorScales) noexcept {
    return Scaler{F::block_scale::decode(code.scale), static_cast<float>(code.zero_point), half_range<F>()};
  }

 private:
  template <class F>
  NVQ_HD static constexpr float half_range() noexcept {
    return mul_rn(add_rn(F::element::largest(), 1.0f), 0.5f);
  }
};

/// AWQ's pseudo-quantizer (AutoAWQ 88e4c76) with zero points: the range does not include zero.
///
///   d = max(hi - lo, 1e-5) / 15, s = d as stored
///   z = clamp(-round(lo / d), 0, 15)
///   code = clamp(round(x / d) + z, 0, 15)
struct awq : base {
  using statistic = Range;
  template <class F>
  static constexpr bool supports = affine<F>();
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(Range s, TensorScales) noexcept {
    const float z = clamp(negate(round_even(div_rn(s.min, step<F>(s)))), 0.0f, F::element::largest());
    return {F::block_scale::encode(step<F>(s)), F::element::encode(z)};
  }
  template <class F>
  NVQ_HD static constexpr AffineScaler scaler(typename F::scale_code code, Range s, TensorScales) noexcept {
    return AffineScaler{step<F>(s), static_cast<float>(code.zero_point)};
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
