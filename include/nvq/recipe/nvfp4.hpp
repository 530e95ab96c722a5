// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for a block scale under a tensor scale (NVFP4 and its relatives): the formulas of the tools that
// write checkpoints.
//
// In the formulas: T is the amax of the tensor, a that of the block, S the encode scale, g the decode scale,
// s the float value of the stored block scale, E4() the encoding of a block scale (nearest even), Q() that of
// an element (nearest even). Each operator is one float operation, rounded to nearest even, in the order
// written. 448 stands for the largest block scale, 6 for the largest element. NaN and Inf behave as the
// formula does unless said otherwise; a tensor whose amax is 0 gets scales of 1.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace nvfp4 {

struct common : base {
  template <class F>
  static constexpr bool supports = F::has_tensor_scale && !F::has_zero_point;
};

/// TransformerEngine 2.20, all kernels without fast math.
///
///   S = min(2688 / T, FLT_MAX), 1 if that or T is 0
///   g = T / 2688 (1 / S where S is not 2688 / T)
///   scale = E4(min(a * (S * fl(1/6)), FLT_MAX))
///   code = Q(x * min(1 / (s * (1 / S)), FLT_MAX))
///
/// NaN does not enter amaxes and encodes as +6. Zero block: scale 0, codes 0. Underflow of the scale (a > 0,
/// s = 0): codes +-6, which decode to 0. Its Python reference differs from its kernels, and from this, in
/// giving -0 the code 0 and letting NaN enter amaxes.
struct transformer_engine : common {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_of<F>(amax, F::block_scale::largest());
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales ts) noexcept {
    constexpr float inverse = div_rn(1.0f, F::element::largest());
    const float per_amax = mul_rn(ts.encode, inverse);
    return F::block_scale::encode(min_of(mul_rn(s.amax, per_amax), float_max()));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMax, TensorScales ts) noexcept {
    const float decode = mul_rn(F::block_scale::decode(code), div_rn(1.0f, ts.encode));
    return Multiply{min_of(div_rn(1.0f, decode), float_max())};
  }

 protected:
  template <class F>
  NVQ_HD static constexpr TensorScales tensor_of(float amax, float scale_max) noexcept {
    const float top = mul_rn(scale_max, F::element::largest());
    const float wanted = div_rn(top, amax), encode = min_of(wanted, float_max());
    if (!is_positive(amax) || is_zero(encode)) return {1.0f, 1.0f, amax};
    return {encode, float_bits(encode) == float_bits(wanted) ? div_rn(amax, top) : div_rn(1.0f, encode),
            amax};
  }
};

/// NVIDIA Model Optimizer 0.47, NVFP4QTensor.quantize.
///
///   g = T / 2688
///   v = a / (6 * g), 1 if that is 0
///   scale = E4(clamp(v, 2^-9, 448))
///   code = Q(x / (s * g))
///
/// The scale is never 0: a zero block has 1.0. +-0 has code 0 after scaling; a negative value that rounds to
/// 0 has code 8. NaN enters amaxes: a tensor with a NaN has NaN scales throughout. An all-zero tensor, which
/// upstream encodes as NaN, has g = 1 here.
struct modelopt : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    const float top = mul_rn(F::block_scale::largest(), F::element::largest());
    if (is_zero(amax)) return {1.0f, 1.0f, amax};
    return {div_rn(top, amax), div_rn(amax, top), amax};
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales ts) noexcept {
    float value = div_rn(s.amax, mul_rn(F::element::largest(), ts.decode));
    if (is_zero(value)) value = 1.0f;
    return F::block_scale::encode(clamp(value, F::block_scale::min_positive(), F::block_scale::largest()));
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code code, AbsMaxNaN, TensorScales ts) noexcept {
    return Divide{mul_rn(F::block_scale::decode(code), ts.decode)};
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    return is_zero(scaled) ? std::uint8_t{0} : F::element::encode(scaled);
  }
};

/// compressed-tensors 0.20 (llm-compressor), for float32 weights; `Bf16` for bfloat16 weights, of which it
/// rounds the quotients marked [] to bfloat16.
///
///   S = [2688 * [1 / max(T, 2^-126)]], 1 if that is NaN or Inf
///   g = 1 / S
///   scale = E4(clamp(S * [a / 6], +-448)), 0.125 if that is 0
///   code = Q(clamp(x / (s / S), +-6))
///
/// Zero blocks and blocks whose scale underflows store 0.125 (0x20). +-0 and NaN have code 0 after scaling.
/// NaN makes the scale of its block NaN, and S 1.
template <bool Bf16>
struct compressed_tensors : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    const float top = mul_rn(F::block_scale::largest(), F::element::largest());
    float encode = rounded(mul_rn(top, rounded(div_rn(1.0f, less(amax, exp2i(-126)) ? exp2i(-126) : amax))));
    if (!is_finite(encode)) encode = 1.0f;
    return {encode, div_rn(1.0f, encode), amax};
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales ts) noexcept {
    const float value = mul_rn(ts.encode, rounded(div_rn(s.amax, F::element::largest())));
    const auto code = F::block_scale::encode(value);
    return is_zero(F::block_scale::decode(code)) ? F::block_scale::encode(0.125f) : code;
  }
  template <class F>
  NVQ_HD static constexpr Divide scaler(typename F::scale_code code, AbsMaxNaN, TensorScales ts) noexcept {
    return Divide{div_rn(F::block_scale::decode(code), ts.encode)};
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    return is_zero(scaled) || is_nan(scaled) ? std::uint8_t{0} : F::element::encode(scaled);
  }

 private:
  NVQ_HD static constexpr float rounded(float x) noexcept { return Bf16 ? to_float(bfloat16(x)) : x; }
};

/// torchao 0.18, NVFP4Tensor.to_nvfp4 with a per-tensor scale.
///
///   g = T / 2688
///   scale = E4(clamp((a / 6) / g, 2^-6, 448))
///   code = Q(clamp(x * ((1 / g) / s), +-6))
///
/// The scale is never zero nor subnormal; a zero block stores 2^-6 (0x08). NaN enters amaxes. For T below
/// 2^-117 or so 1 / g overflows and every value becomes +-6, as upstream. NaN elements, which upstream turns
/// into meaningless codes, are +6 here.
struct torchao : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return modelopt::tensor<F>(amax);
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales ts) noexcept {
    const float value = div_rn(div_rn(s.amax, F::element::largest()), ts.decode);
    return F::block_scale::encode(clamp(value, exp2i(-6), F::block_scale::largest()));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMaxNaN, TensorScales ts) noexcept {
    return Multiply{div_rn(div_rn(1.0f, ts.decode), F::block_scale::decode(code))};
  }
};

}  // namespace nvfp4
}  // namespace recipe

NVQ_END_NAMESPACE
