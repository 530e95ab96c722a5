// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/base.hpp>

// Rules for formats with an E8M0 block scale: how its byte e follows from the amax of the block. Values
// become Q(x * 2^(127 - e)), a product that is exact unless it underflows, rounded to nearest even and
// saturated. X is the exponent floor(log2(amax)) and P that of the largest element (2 for E2M1 and E2M3, 4
// for E3M2, 8 for E4M3, 15 for E5M2); e is clamped to [0, 254].

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace mx {

namespace detail {
/// The biased exponent field of x, which is that of floor(log2(x)) for normal numbers and 0 below them.
NVQ_HD constexpr int exponent_field(float x) noexcept {
  return static_cast<int>((float_bits(x) >> 23) & 0xFFu);
}
template <class E>
NVQ_HD constexpr int largest_exponent() noexcept {
  return exponent_field(E::largest()) - 127;
}
NVQ_HD constexpr std::uint8_t clamp_exponent(int e) noexcept {
  return static_cast<std::uint8_t>(e < 0 ? 0 : e > 254 ? 254 : e);
}
}  // namespace detail

struct common : base {
  template <class F>
  static constexpr bool supports = one_scale<F>() && scaled_by<F, ScaleE8M0>();

  template <class F, class Statistic>
  NVQ_HD static constexpr Multiply scaler(typename F::scale_code code, Statistic, TensorScales) noexcept {
    // Under a NaN scale finite values have code +-0, as x / infinity.
    return Multiply{code == 0xFF ? 0.0f : exp2i(127 - static_cast<int>(code))};
  }
};

/// NVIDIA's rule (TransformerEngine, cuBLAS, CUTLASS, FlashInfer; torchao's RCEIL): no value is clipped.
///
///   e = the power of two at or above amax * fl(1 / element max)
///
/// Zero block 0, Inf 254; NaN does not enter the amax. torchao takes ceil(log2f(amax / max)), whose log2f
/// rounds to the power below just above it, and multiplies by 1 in the place of 2^127 for e = 0: those blocks
/// differ.
struct rceil : common {
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMax s, TensorScales) noexcept {
    constexpr float inverse = div_rn(1.0f, F::element::largest());
    return E8M0::encode(mul_rn(s.amax, inverse), Rounding::away_from_zero);
  }
};

/// OCP Microscaling 1.0, section 6.3 (torchao's FLOOR, microxcaling): e = X - P + 127. Values above the
/// largest element saturate. A NaN makes e 255. Inf has X = 128.
struct ocp_floor : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    if (is_nan(s.amax)) return 0xFF;
    return detail::clamp_exponent(detail::exponent_field(s.amax) -
                                  detail::largest_exponent<typename F::element>());
  }
};

/// torchao's CEIL: e = ceil(log2(amax)) - P + 127. NaN and Inf as ocp_floor.
struct ceil : common {
  using statistic = AbsMaxNaN;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    if (is_nan(s.amax)) return 0xFF;
    const int up = (float_bits(s.amax) & 0x7FFFFFu) != 0 ? 1 : 0;
    return detail::clamp_exponent(detail::exponent_field(s.amax) + up -
                                  detail::largest_exponent<typename F::element>());
  }
};

/// The amax is first rounded (half up) to `mantissa` bits, then as ocp_floor.
template <class F>
NVQ_HD constexpr typename F::scale_code rounded_floor(AbsMaxNaN s, int mantissa) noexcept {
  if (is_nan(s.amax)) return 0xFF;
  const float rounded = float_from_bits((float_bits(s.amax) + (1u << (22 - mantissa))) & 0x7F800000u);
  return detail::clamp_exponent(detail::exponent_field(rounded) -
                                detail::largest_exponent<typename F::element>());
}

/// torchao's EVEN (also vLLM's MXFP4 activations and AMD Quark): the amax is rounded to the element's
/// mantissa bits, half up, then as ocp_floor: an E2M1 block takes the next exponent from 1.75 * 2^X on.
struct even : common {
  using statistic = AbsMaxNaN;
  template <class F>
  static constexpr bool supports = float_element<F>() && common::supports<F>;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    return rounded_floor<F>(s, F::element::mantissa_bits);
  }
};

/// compressed-tensors 0.20: as even, but rounding the amax to 1 bit of mantissa for 4- and 8-bit elements, 3
/// for 6-bit ones.
/// A 4-bit +-0 has code +0.
struct compressed_tensors : common {
  using statistic = AbsMaxNaN;
  template <class F>
  static constexpr bool supports = float_element<F>() && common::supports<F>;
  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(AbsMaxNaN s, TensorScales) noexcept {
    return rounded_floor<F>(s, F::element::bits == 6 ? 3 : 1);
  }
  template <class F>
  NVQ_HD static constexpr std::uint8_t element(float scaled) noexcept {
    return F::element::bits == 4 && is_zero(scaled) ? std::uint8_t{0} : F::element::encode(scaled);
  }
};

/// The exponent of least squared error of all (nvq's own): the best of floor, floor + 1 and, for elements
/// with a P of at most 2, floor - 1, which pays where one value clips and all others gain. Errors are
/// measured in units of the floor's scale and added in order of index; on a tie the first in this order is
/// kept. With importance weights, the best of the same. NaN does not enter the amax.
struct mse : common {
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax s, TensorScales) noexcept {
    if (!is_positive(s.amax)) return 1;
    return detail::largest_exponent<typename F::element>() <= 2 ? 3 : 2;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales) noexcept {
    return detail::clamp_exponent(detail::exponent_field(s.amax) -
                                  detail::largest_exponent<typename F::element>() + (i == 2 ? -1 : i));
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale, AbsMax s,
                                      TensorScales ts) noexcept {
    const int floor = candidate<F>(0, s, ts);
    const float step = static_cast<int>(scale) > floor ? 2.0f : static_cast<int>(scale) < floor ? 0.5f : 1.0f;
    const float d = sub_rn(mul_rn(x, exp2i(127 - floor)), mul_rn(F::element::decode(code), step));
    return mul_rn(d, d);
  }
};

}  // namespace mx
}  // namespace recipe

NVQ_END_NAMESPACE
