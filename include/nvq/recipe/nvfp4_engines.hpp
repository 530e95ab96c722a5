// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/nvfp4.hpp>

// Rules for NVFP4 of the engines that quantize on the fly. Notation as in recipe/nvfp4.hpp.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace nvfp4 {

/// vLLM's CUDA kernel (csrc/quantization/fp4/nvfp4_utils.cuh), also sgl-kernel's and qutlass'. Its inputs are
/// bfloat16 or half.
///
///   S = 2688 / T
///   g = 1 / S
///   scale = E4(S * (a * rcp~(6)))
///   code = Q(x * (s != 0 ? rcp~(s * rcp~(S)) : 0))
///
/// rcp~ is rcp.approx.ftz.f32, modelled by a correctly rounded reciprocal with subnormals flushed: wherever
/// the instruction is one unit in the last place off, scales and codes that lie next to a rounding boundary
/// may differ from the kernel's. A block whose scale is 0 (zero block or underflow) has codes +-0. NaN does
/// not enter amaxes and encodes as +6.
struct vllm : common {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    if (!is_positive(amax) || !is_finite(amax)) return {1.0f, 1.0f, amax};
    const float top = mul_rn(F::block_scale::largest(), F::element::largest());
    const float encode = min_of(div_rn(top, amax), float_max());
    return {encode, div_rn(1.0f, encode), amax};
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales ts) noexcept {
    return F::block_scale::encode(mul_rn(ts.encode, mul_rn(s.amax, rcp_approx_ftz(F::element::largest()))));
  }
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMax, TensorScales ts) noexcept {
    const float s = F::block_scale::decode(code);
    return Multiply{!is_zero(s) ? rcp_approx_ftz(mul_rn(s, rcp_approx_ftz(ts.encode))) : 0.0f};
  }
};

/// TensorRT-LLM's and FlashInfer's default kernel (quantization_utils.cuh): as vllm, but the multiplier is 0
/// only for a zero block. On underflow of the scale it is infinite: codes +-6, and +6 for zeros, all of which
/// decode to 0.
struct trtllm : vllm {
  template <class F>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, AbsMax s, TensorScales ts) noexcept {
    const float decode = mul_rn(F::block_scale::decode(code), rcp_approx_ftz(ts.encode));
    return Multiply{!is_zero(s.amax) ? rcp_approx_ftz(decode) : 0.0f};
  }
};

/// ggml's quantize_row_nvfp4_ref (d99724f, 2026-08). There is no tensor scale: encode and decode are 1
/// whatever the amax.
///
///   v = a / 6
///   scale: v with 3 bits of mantissa, rounded half up by the next bit alone; from 248 on 448;
///          below 2^-6 the code trunc(v * 512 + 0.5), at most 7
///   code = the nearest of s * {0, 0.5 ... 6, -0.5 ... -6}
///
/// Ties go to the smaller magnitude, and code 8 (-0) does not occur. NaN does not enter the amax and has code
/// 0; so has Inf, since no candidate is nearer than another. The jump of scales from 248 to 448 is the
/// upstream encoder's.
struct ggml : common {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return {1.0f, 1.0f, amax};
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    const float v = min_of(div_rn(s.amax, F::element::largest()), 448.0f);
    if (!is_positive(v)) return 0;
    const std::uint32_t bits = float_bits(v);
    const int exponent = static_cast<int>(bits >> 23) - 127 + 7;
    if (exponent <= 0) {
      const int n = to_int(add_rn(mul_rn(v, 512.0f), 0.5f));
      return static_cast<std::uint8_t>(n > 7 ? 7 : n);
    }
    if (exponent >= 15) return 0x7E;
    const std::uint32_t rounded = (bits >> 20) + ((bits >> 19) & 1u);
    const std::uint32_t code = rounded - ((127u - 7u) << 3);
    return static_cast<std::uint8_t>(code >= (15u << 3) ? 0x7Eu : code);
  }
  /// Distances to the candidates are rounded as upstream's are, which decides ties: the scaler passes the
  /// value, and the element chosen depends on the scale.
  template <class F>
  struct nearest {
    float scale;
    NVQ_HD constexpr float operator()(float x) const noexcept {
      std::uint8_t best = 0;
      float least = abs(x);
      for (unsigned code = 1; code < 16; ++code) {
        if (code == 8) continue;
        const float d = abs(sub_rn(mul_rn(F::element::decode(static_cast<std::uint8_t>(code)), scale), x));
        if (less(d, least)) {
          least = d;
          best = static_cast<std::uint8_t>(code);
        }
      }
      return F::element::decode(best);
    }
  };
  template <class F>
  NVQ_HD static constexpr nearest<F> scaler(typename F::scale_code code, AbsMax, TensorScales) noexcept {
    return nearest<F>{F::block_scale::decode(code)};
  }
};

}  // namespace nvfp4
}  // namespace recipe

NVQ_END_NAMESPACE
