// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/format.hpp>
#include <nvq/recipe.hpp>
#include <type_traits>

// What of a format and a recipe the kernels know, found at compile time. A recipe of one's own that inherits a function
// keeps its kernel; one that says a function itself has that function called, once a block, or is left to the scalar
// codec altogether where the function is called once a value.

NVQ_BEGIN_NAMESPACE

namespace simd {

// How an input becomes what is rounded.
enum class Operation { none, multiply, divide, affine };

template <class Scaler>
struct operation_of {
  static constexpr Operation value = Operation::none;
};
template <>
struct operation_of<Multiply> {
  static constexpr Operation value = Operation::multiply;
  static float operand(Multiply s) noexcept { return s.factor; }
};
template <>
struct operation_of<Divide> {
  static constexpr Operation value = Operation::divide;
  static float operand(Divide s) noexcept { return s.divisor; }
};
/// A divisor of zero is left to the scalar codec.
template <>
struct operation_of<DivideOrZero> {
  static constexpr Operation value = Operation::divide;
  static float operand(DivideOrZero s) noexcept { return s.divisor; }
};
template <>
struct operation_of<recipe::integer::DivideIn<false>> {
  static constexpr Operation value = Operation::divide;
  static float operand(recipe::integer::DivideIn<false> s) noexcept { return s.divisor; }
};
template <>
struct operation_of<recipe::integer::AffineScaler> {
  static constexpr Operation value = Operation::affine;
  static float operand(recipe::integer::AffineScaler s) noexcept { return s.scale; }
};

// How what is scaled is rounded: as the element does, or with -0 made 0 first. NaN is left to the scalar codec.
enum class Zeros { unknown, signed_, unsigned_ };

/// Whether a function of a recipe is inherited from another.
#define NVQ_SAME_FUNCTION(name)                                                                                 \
  template <class R, class Other, class F, class = void>                                                        \
  inline constexpr bool same_##name = false;                                                                    \
  template <class R, class Other, class F>                                                                      \
  inline constexpr bool same_##name<                                                                            \
      R, Other, F, std::enable_if_t<(&R::template name<F> == &Other::template name<F>)>> = true;
NVQ_SAME_FUNCTION(element)
NVQ_SAME_FUNCTION(scale)
NVQ_SAME_FUNCTION(scaler)
#undef NVQ_SAME_FUNCTION

template <class R, class F>
constexpr Zeros zeros_of() noexcept {
  if constexpr (same_element<R, recipe::base, F> || same_element<R, recipe::fp8::vllm, F>)
    return Zeros::signed_;
  else if constexpr (same_element<R, recipe::nvfp4::modelopt, F> ||
                     same_element<R, recipe::nvfp4::compressed_tensors<false>, F> ||
                     same_element<R, recipe::nvfp4::compressed_tensors<true>, F>)
    return Zeros::unsigned_;
  else if constexpr (same_element<R, recipe::mx::compressed_tensors, F>)
    return F::element::bits == 4 ? Zeros::unsigned_ : Zeros::signed_;
  else
    return Zeros::unknown;
}

/// Elements that the kernels round to.
template <class E>
inline constexpr bool is_signed_float = false;
template <int E, int M, Specials S, int Bias>
inline constexpr bool is_signed_float<Float<E, M, S, Bias, true>> =
    S != Specials::fnuz && M >= 1 && (E + M + 1 == 4 || E + M + 1 == 6 || E + M + 1 == 8) && Bias > 0 && Bias < 64;
template <class E>
inline constexpr bool is_signed_integer = std::is_same<E, Int4>::value || std::is_same<E, Int8>::value;
template <class E>
inline constexpr bool is_unsigned_integer = std::is_same<E, UInt4>::value || std::is_same<E, UInt<8>>::value;
template <class S>
inline constexpr bool is_e8m0 = std::is_same<S, ScaleE8M0>::value;
template <class S>
inline constexpr bool is_half = std::is_base_of<ScaleFP16, S>::value;

/// What the codes of a 4-bit element stand for; of others the first sixteen.
template <class E>
struct element_values_t {
  float value[16] = {};
  constexpr element_values_t() noexcept {
    for (unsigned i = 0; i < 16; ++i) value[i] = E::decode(static_cast<std::uint8_t>(i));
  }
};
template <class E>
inline constexpr element_values_t<E> element_values{};

template <class E>
inline constexpr bool is_plain_element =
    is_signed_float<E> || is_signed_integer<E> || std::is_same<E, NormalFloat4>::value;

/// Statistics that an integer maximum of |x| gives where there is no NaN.
template <class S>
inline constexpr bool is_amax_statistic = std::is_same<S, AbsMax>::value || std::is_same<S, AbsMaxNaN>::value;

struct nf4_thresholds_t {
  float value[15] = {};
  constexpr nf4_thresholds_t() noexcept {
    for (unsigned i = 0; i < 15; ++i) value[i] = nvq::detail::nf4_threshold(i);
  }
};
inline constexpr nf4_thresholds_t nf4_thresholds{};

// The scales of blocks that are computed sixteen at a time. `plan_of<R, F>(tensor scales)` makes one of these; their
// formulas, in the recipes' words, are in scale_kernels.inc.

/// No kernel: the recipe's functions are called.
struct ScalarScales {};
struct TransformerEngineScales {
  float per_amax, inverse_encode;
};
struct ModelOptScales {
  float divisor, decode;
};
struct CompressedTensorsScales {
  float encode, largest;
};
struct TorchaoScales {
  float decode, inverse_decode, largest;
};
struct RceilScales {
  float inverse;
};
/// Exponent of (bits + `rounding`) less that of the largest element.
struct FloorScales {
  std::uint32_t rounding;
  int largest_exponent;
};
struct AmaxHalfScales {
  float largest;
};

template <class F>
inline constexpr bool is_nvfp4_like = std::is_same<typename F::block_scale, ScaleE4M3>::value && F::has_tensor_scale;

template <class R, class F>
constexpr auto plan_of(TensorScales ts) noexcept {
  (void)ts;
  namespace r = recipe;
  using E = typename F::element;
  if constexpr (is_nvfp4_like<F>) {
    if constexpr (same_scale<R, r::nvfp4::transformer_engine, F> &&
                  same_scaler<R, r::nvfp4::transformer_engine, F>)
      return TransformerEngineScales{mul_rn(ts.encode, div_rn(1.0f, E::largest())), div_rn(1.0f, ts.encode)};
    else if constexpr (same_scale<R, r::nvfp4::modelopt, F> && same_scaler<R, r::nvfp4::modelopt, F>)
      return ModelOptScales{mul_rn(E::largest(), ts.decode), ts.decode};
    else if constexpr (same_scale<R, r::nvfp4::compressed_tensors<false>, F> &&
                       same_scaler<R, r::nvfp4::compressed_tensors<false>, F>)
      return CompressedTensorsScales{ts.encode, E::largest()};
    else if constexpr (same_scale<R, r::nvfp4::torchao, F> && same_scaler<R, r::nvfp4::torchao, F>)
      return TorchaoScales{ts.decode, div_rn(1.0f, ts.decode), E::largest()};
    else
      return ScalarScales{};
  } else if constexpr (std::is_same<typename F::block_scale, ScaleE8M0>::value && is_signed_float<E>) {
    constexpr int top = static_cast<int>(float_bits(E::largest()) >> 23) - 127;
    if constexpr (!same_scaler<R, r::mx::common, F>)
      return ScalarScales{};
    else if constexpr (same_scale<R, r::mx::rceil, F>)
      return RceilScales{div_rn(1.0f, E::largest())};
    else if constexpr (same_scale<R, r::mx::ocp_floor, F>)
      return FloorScales{0, top};
    else if constexpr (same_scale<R, r::mx::ceil, F>)
      return FloorScales{0x7FFFFF, top};
    else if constexpr (same_scale<R, r::mx::even, F>)
      return FloorScales{1u << (22 - E::mantissa_bits), top};
    else if constexpr (same_scale<R, r::mx::compressed_tensors, F>)
      return FloorScales{1u << (22 - (E::bits == 6 ? 3 : 1)), top};
    else
      return ScalarScales{};
  } else if constexpr (std::is_same<typename F::block_scale, ScaleFP16>::value &&
                       same_scale<R, r::plain::amax, F>) {
    return AmaxHalfScales{E::largest()};
  } else {
    return ScalarScales{};
  }
}

}  // namespace simd

NVQ_END_NAMESPACE
