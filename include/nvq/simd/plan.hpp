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
#define NVQ_SAME_FUNCTION(name)                          \
  template <class R, class Other, class F, class = void> \
  inline constexpr bool same_##name = false;             \
  template <class R, class Other, class F>               \
  inline constexpr bool                                  \
      same_##name<R, Other, F, std::enable_if_t<(&R::template name<F> == &Other::template name<F>)>> = true;
NVQ_SAME_FUNCTION(element)
NVQ_SAME_FUNCTION(scale)
NVQ_SAME_FUNCTION(scaler)
NVQ_SAME_FUNCTION(candidates)
NVQ_SAME_FUNCTION(candidate)
NVQ_SAME_FUNCTION(error)
#undef NVQ_SAME_FUNCTION
/// The same of scalers that are templates of the statistic, too.
template <class R, class Other, class F, class = void>
inline constexpr bool same_statistic_scaler = false;
template <class R, class Other, class F>
inline constexpr bool
    same_statistic_scaler<R, Other, F,
                          std::enable_if_t<(&R::template scaler<F, typename R::statistic> ==
                                            &Other::template scaler<F, typename R::statistic>)>> = true;

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
    S != Specials::fnuz&& M >= 1 &&
    (E + M + 1 == 4 || E + M + 1 == 6 || E + M + 1 == 8) && Bias > 0 && Bias < 64;
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

/// Elements that are binary16 values, or those times a power of two: all their exponents are, and infinity is.
template <class E>
constexpr bool is_half_like() noexcept {
  if constexpr (is_signed_float<E>)
    return E::bits > 4 && E::bias <= 15 &&
           (E::has_infinity ? E::exponent_bits == 5 && E::bias == 15 : E::exponent_bits <= 4);
  else
    return false;
}

/// The two bytes of bfloat16 values, which all elements of up to eight bits are but NF4: of all codes of four and six bits,
/// and of the 128 that are not negative of eight.
template <class E>
struct element_bytes_t {
  std::uint8_t low[128] = {}, high[128] = {};
  constexpr element_bytes_t() noexcept {
    for (unsigned i = 0; i < (E::bits == 8 ? 128u : 1u << E::bits); ++i) {
      const std::uint32_t bits = float_bits(E::decode(static_cast<std::uint8_t>(i)));
      low[i] = static_cast<std::uint8_t>(bits >> 16 & 0xFFu);
      high[i] = static_cast<std::uint8_t>(bits >> 24);
    }
  }
};
template <class E>
inline constexpr element_bytes_t<E> element_bytes{};

template <class E>
inline constexpr bool is_plain_element =
    is_signed_float<E> || is_signed_integer<E> || std::is_same<E, NormalFloat4>::value;

/// Statistics that an integer maximum of |x| gives where there is no NaN.
template <class S>
inline constexpr bool is_amax_statistic = std::is_same<S, AbsMax>::value || std::is_same<S, AbsMaxNaN>::value;

struct nf4_thresholds_t {
  float value[16] = {};
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
/// `least`: of the amaxes that are divided.
struct AmaxFloatScales {
  float largest, least;
};
/// The amax itself, of NF4.
struct AmaxScales {};

// The searches; search_kernels.inc. `divides`: by the operand, which may be zero; `zero_code`: of a block of zeros.

struct MseE4M3Search {
  static constexpr bool divides = true;
  static constexpr std::uint32_t zero_code = 0;
  float decode, largest;
  int below;
};
struct FourOverSixSearch {
  static constexpr bool divides = false;
  static constexpr std::uint32_t zero_code = 0;
  float encode, inverse_encode, largest, amax, top;
  bool absolute;
};
struct MseE8M0Search {
  static constexpr bool divides = false;
  static constexpr std::uint32_t zero_code = 0;
  int largest_exponent;
};
template <class Scale>
struct MseSearch {
  static constexpr bool divides = true;
  static constexpr std::uint32_t zero_code = is_half<Scale> ? 0x3C00u : 0x3F800000u;  // 1
  float largest;
  float stretched[60];
  constexpr explicit MseSearch(float top) noexcept : largest(top), stretched() {
    for (int i = 0; i < 60; ++i) stretched[i] = mul_rn(top, div_rn(static_cast<float>(35 + i), 50.0f));
  }
};

template <class F>
inline constexpr bool is_nvfp4_like =
    std::is_same<typename F::block_scale, ScaleE4M3>::value&& F::has_tensor_scale;

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
    if constexpr (!same_statistic_scaler<R, r::mx::common, F>)
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
  } else if constexpr (std::is_same<typename F::block_scale, ScaleFP16>::value) {
    if constexpr (same_scale<R, r::plain::amax, F> && same_statistic_scaler<R, r::plain::common, F>)
      return AmaxHalfScales{E::largest()};
    else
      return ScalarScales{};
  } else if constexpr (std::is_same<typename F::block_scale, ScaleFP32>::value) {
    if constexpr (same_scale<R, r::plain::amax, F> && same_statistic_scaler<R, r::plain::common, F>)
      return AmaxFloatScales{E::largest(), 0.0f};
    else if constexpr (same_scale<R, r::fp8::deepseek, F> && same_scaler<R, r::fp8::deepseek, F>)
      return AmaxFloatScales{E::largest(), 1e-4f};
    else if constexpr (same_scale<R, r::nf4::bitsandbytes, F> && same_scaler<R, r::nf4::bitsandbytes, F>)
      return AmaxScales{};
    else
      return ScalarScales{};
  } else {
    return ScalarScales{};
  }
}

/// The Four Over Six that a recipe is derived from; void for others.
template <recipe::nvfp4::Error Metric, int M>
recipe::nvfp4::four_over_six<Metric, M> four_over_six_of(const recipe::nvfp4::four_over_six<Metric, M>*);
void four_over_six_of(const void*);
template <recipe::nvfp4::Error Metric, int M>
constexpr FourOverSixSearch four_over_six_search(const recipe::nvfp4::four_over_six<Metric, M>*,
                                                 float largest, TensorScales ts) noexcept {
  return {ts.encode,
          div_rn(1.0f, ts.encode),
          largest,
          ts.amax,
          mul_rn(largest, static_cast<float>(M)),
          Metric == recipe::nvfp4::Error::absolute};
}
template <class R, class F, class Base = decltype(four_over_six_of(static_cast<const R*>(nullptr)))>
inline constexpr bool is_four_over_six = same_candidate<R, Base, F>&& same_candidates<R, Base, F>&&
    same_error<R, Base, F>&& same_scaler<R, Base, F>;
template <class R, class F>
inline constexpr bool is_four_over_six<R, F, void> = false;

/// The same for recipes that search. Only the library's own: what they say is said again in the kernels.
template <class R, class F>
constexpr auto search_of(TensorScales ts) noexcept {
  (void)ts;
  using E = typename F::element;
  using S = typename F::block_scale;
  if constexpr (std::is_same<R, recipe::nvfp4::mse>::value && is_nvfp4_like<F> && is_signed_float<E>)
    return MseE4M3Search{ts.decode, E::largest(), F::block_size <= 16 ? 2 : 8};
  else if constexpr (is_nvfp4_like<F> && is_signed_float<E> && is_four_over_six<R, F>)
    return four_over_six_search(static_cast<const R*>(nullptr), E::largest(), ts);
  else if constexpr (std::is_same<R, recipe::mx::mse>::value && is_signed_float<E>)
    return MseE8M0Search{static_cast<int>(float_bits(E::largest()) >> 23) - 127};
  else if constexpr (std::is_same<R, recipe::plain::mse>::value && is_plain_element<E> &&
                     (std::is_same<S, ScaleFP16>::value || std::is_same<S, ScaleFP32>::value))
    return MseSearch<S>(E::largest());
  else
    return ScalarScales{};
}

}  // namespace simd

NVQ_END_NAMESPACE
