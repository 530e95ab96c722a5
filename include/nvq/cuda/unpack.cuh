// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/decode_word.cuh>
#include <nvq/cuda/registers.cuh>
#include <nvq/cuda/target.cuh>
#include <nvq/cuda/unpack_as.cuh>
#include <nvq/recipe/base.hpp>
#include <type_traits>

// Codes in registers to values in registers, for GEMM prologues and dequantizing kernels. Host and device
// functions with equal bits (any NaN counts as NaN).
//
// `codes` are N codes of one block, codes_t<F, N>: for 4-bit elements 2 codes are a uint8_t, 4 a uint16_t, 8 a
// uint32_t, 16 a uint64_t, 32 a code_words<4>. `out` is an array that takes N values: float, __half2,
// __nv_bfloat162 (or nvq::cuda::pair). Values come in the order of the columns.

NVQ_BEGIN_NAMESPACE

namespace cuda {

namespace detail {

/// Whether unpack_biased() takes elements E to Out.
template <class E, class Out, class = void>
inline constexpr bool has_bias = false;
template <class E, class Out>
inline constexpr bool
    has_bias<E, Out, std::void_t<decltype(decode_word<E, typename register_traits<Out>::value>::bias)>> =
        true;
template <class E, class Out>
NVQ_HD constexpr int bias_of() noexcept {
  static_assert(has_bias<E, Out>, "nvq: biased values are of E2M1 and E4M3, in half2 or bfloat162");
  if constexpr (has_bias<E, Out>)
    return decode_word<E, typename register_traits<Out>::value>::bias;
  else
    return 0;
}
template <class E, class Out>
NVQ_HD constexpr void check_order() noexcept {
  static_assert(E::bits == 4 && (std::is_same<E, E2M1>::value || nvq::detail::is_integer_v<E>),
                "nvq: interleaved orders are of E2M1 and 4-bit integers");
  static_assert(
      register_traits<Out>::count == 2,
      "nvq: codes of a given order unpack to half2 or bfloat162; unpack<F>(codes, out) takes float");
}

}  // namespace detail

/// The values of N codes: (code * block scale) * tensor_scale in float, rounded once more where `out` is narrower.
/// The bits of the host's decode.
///
///     __nv_bfloat162 b[4];
///     nvq::cuda::unpack<nvq::NVFP4>(codes, scale, tensor_scale, b);  // 8 codes in a uint32_t
template <class F, class Out, unsigned Count>
NVQ_HD void unpack(const codes_t<F, Count * register_traits<Out>::count>& codes, typename F::scale_code scale,
                   float tensor_scale, Out (&out)[Count]) noexcept {
  constexpr auto apply = F::has_tensor_scale ? detail::Factors::all : detail::Factors::block;
  detail::unpack_as<apply, F>(codes, scale, tensor_scale, out);
}

/// The values without the tensor scale: code * block scale. For a GEMM, which multiplies its sums by the tensor
/// scale once: half the instructions, and nothing is rounded where the product fits the type, as E2M1 * E4M3 does
/// in half and bfloat16 and E2M1 * E8M0 in bfloat16.
template <class F, class Out, unsigned Count>
NVQ_HD void unpack(const codes_t<F, Count * register_traits<Out>::count>& codes, typename F::scale_code scale,
                   Out (&out)[Count]) noexcept {
  detail::unpack_as<detail::Factors::block, F>(codes, scale, 1.0f, out);
}

/// The elements alone; both scales are left to the caller, who subtracts zero points, too.
template <class F, class Out, unsigned Count>
NVQ_HD void unpack(const codes_t<F, Count * register_traits<Out>::count>& codes, Out (&out)[Count]) noexcept {
  detail::unpack_as<detail::Factors::none, F>(codes, {}, 1.0f, out);
}

/// Eight 4-bit codes in interleaved order (Order::interleaved) to the elements in the order of columns: without
/// the permutations that the linear order costs. Zero points are left to the caller.
template <class F, Order Codes, class Out>
NVQ_HD void unpack(std::uint32_t codes, Out (&out)[4]) noexcept {
  detail::check_order<typename F::element, Out>();
  using traits = register_traits<Out>;
  using T = typename traits::value;
  using decoder = detail::decode_word<typename F::element, T>;
  detail::check_target<F>();
  std::uint32_t pairs[4];
  if constexpr (Codes == Order::linear) {
    decoder::decode(codes, pairs);
  } else if constexpr (std::is_same<typename F::element, E2M1>::value) {
    decoder::decode_biased(codes, pairs);
    const std::uint32_t power = detail::both(detail::is_half<T> ? 0x7400u : 0x7E80u);  // 2^bias
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) pairs[i] = detail::mul_pair<T>(pairs[i], power);
  } else {
    decoder::decode_interleaved(codes, pairs);
  }
  NVQ_UNROLL
  for (unsigned i = 0; i < 4; ++i) out[i] = traits::from_bits(pairs[i]);
}

/// The same of codes with a zero point, which is taken off; the scale is left to the caller.
template <class F, Order Codes, class Out>
NVQ_HD void unpack(std::uint32_t codes, std::uint8_t zero_point, Out (&out)[4]) noexcept {
  detail::check_order<typename F::element, Out>();
  static_assert(F::has_zero_point, "nvq: this format's codes have no zero point");
  using traits = register_traits<Out>;
  using decoder = detail::decode_word<typename F::element, typename traits::value>;
  std::uint32_t pairs[4];
  if constexpr (Codes == Order::linear)
    decoder::decode(codes, pairs, zero_point);
  else
    decoder::decode_interleaved(codes, pairs, zero_point);
  NVQ_UNROLL
  for (int i = 0; i < 4; ++i) out[i] = traits::from_bits(pairs[i]);
}

/// unpack_biased() gives elements times 2^-unpack_bias: E2M1 and E4M3 in half and bfloat16.
template <class F, class Out>
inline constexpr int unpack_bias = detail::bias_of<typename F::element, Out>();

/// Elements times 2^-unpack_bias<F, Out>, a power that the caller folds into a scale: two instructions a pair, none
/// of them floating-point. Eight E2M1 codes in interleaved order, or four E4M3 codes; the NaN of E4M3 reads as 480.
/// The smallest values are subnormal: what consumes them must not flush.
template <class F, class Out, unsigned Count>
NVQ_HD void unpack_biased(std::uint32_t codes, Out (&out)[Count]) noexcept {
  using traits = register_traits<Out>;
  static_assert(detail::has_bias<typename F::element, Out>,
                "nvq: biased values are of E2M1 and E4M3, in half2 or bfloat162");
  static_assert(Count * traits::count * F::element::bits == 32, "nvq: unpack_biased takes one word of codes");
  std::uint32_t pairs[Count];
  detail::decode_word<typename F::element, typename traits::value>::decode_biased(codes, pairs);
  NVQ_UNROLL
  for (unsigned i = 0; i < Count; ++i) out[i] = traits::from_bits(pairs[i]);
}

/// unpack_biased() with a block scale gives values times 2^-unpack_scaled_bias: NVFP4 in half and bfloat16, MXFP4 in
/// bfloat16.
template <class F, class Out>
inline constexpr int unpack_scaled_bias = detail::is_half<typename register_traits<Out>::value> ? 7 : 16;

/// Eight E2M1 codes in interleaved order to code * block scale * 2^-unpack_scaled_bias<F, Out>, a power that the
/// caller's tensor scale or sums take: a multiplication for a pair beside unpack_biased(), and no product is
/// subnormal or rounded. Of MXFP4 that holds for scales between 2^-100 and 2^17; larger ones give NaN.
///
/// Linear codes read as interleaved ones are those of columns 0, 4, 1, 5, 2, 6, 3, 7: a GEMM may sum along k in any
/// order, so a kernel that arranges its other operand alike needs no other layout of weights.
template <class F, class Out>
NVQ_HD void unpack_biased(std::uint32_t codes, typename F::scale_code scale, Out (&out)[4]) noexcept {
  using traits = register_traits<Out>;
  using T = typename traits::value;
  using S = typename F::block_scale;
  static_assert(
      std::is_same<typename F::element, E2M1>::value &&
          (std::is_same<S, ScaleE4M3>::value || (std::is_same<S, ScaleE8M0>::value && !detail::is_half<T>)),
      "nvq: unpack_biased with a scale is for NVFP4, and MXFP4 in bfloat16");
  constexpr int power = unpack_bias<F, Out> - unpack_scaled_bias<F, Out>;
  std::uint32_t factor;
  if constexpr (std::is_same<S, ScaleE8M0>::value) {
    factor = detail::both(scale > 254 - power ? 0x7FFFu : (scale + static_cast<std::uint32_t>(power)) << 7);
  } else {
    const float s = mul_rn(detail::scale_value<F>(scale), exp2i(power));
    factor = detail::make_pair<T>(s, s);
  }
  std::uint32_t pairs[4];
  detail::decode_word<E2M1, T>::decode_biased(codes, pairs);
  NVQ_UNROLL
  for (int i = 0; i < 4; ++i) out[i] = traits::from_bits(detail::mul_pair<T>(pairs[i], factor));
}

/// Eight E2M1 or Int4 codes to eight E4M3 codes of the same values (all are E4M3 numbers), for FP8 tensor cores;
/// out[0] has the first four, the first in the low byte.
template <class F>
NVQ_HD void unpack_e4m3(std::uint32_t codes, std::uint32_t (&out)[2]) noexcept {
  using E = typename F::element;
  static_assert(std::is_same<E, E2M1>::value || std::is_same<E, Int4>::value,
                "nvq: unpack_e4m3 takes E2M1 and Int4 codes");
  NVQ_UNROLL
  for (unsigned i = 0; i < 2; ++i, codes >>= 16) {
    const std::uint32_t low = codes & 0x7777u, signs = detail::nibbles_to_bytes(codes);
    if constexpr (std::is_same<E, E2M1>::value) {
      out[i] = ptx::prmt(0x3C383000u, 0x4C484440u, low) | (signs & 0x80808080u);
    } else {
      const std::uint32_t positive = ptx::prmt(0x44403800u, 0x4E4C4A48u, low);  // 0 ... 7
      const std::uint32_t negative = ptx::prmt(0xCACCCED0u, 0xB8C0C4C8u, low);  // -8 ... -1
      const std::uint32_t is_negative = ptx::prmt(signs, 0, 0xBA98u);
      out[i] = (positive & ~is_negative) | (negative & is_negative);
    }
  }
}

}  // namespace cuda

NVQ_END_NAMESPACE
