// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/decode_word.cuh>
#include <nvq/cuda/registers.cuh>
#include <nvq/cuda/target.cuh>
#include <nvq/recipe/base.hpp>

// Codes in registers to values in registers, for GEMM prologues and dequantizing kernels. Host and device
// functions with equal bits (any NaN counts as NaN).
//
// `codes` are N codes of one block, codes_t<F, N>: for 4-bit elements 2 codes are a uint8_t, 4 a uint16_t, 8 a
// uint32_t, 16 a uint64_t, 32 a code_words<4>. `out` is an array that takes N values: float, __half2,
// __nv_bfloat162 (or nvq::cuda::pair). Values come in the order of the columns.

NVQ_BEGIN_NAMESPACE

namespace cuda {

namespace detail {

template <class E, unsigned N, class Words>
NVQ_HD float decode_one(const Words& words, unsigned i) noexcept {
  const unsigned bit = i * E::bits, shift = bit % 32;
  std::uint32_t code = words[bit / 32] >> shift;
  if (32 % E::bits != 0 && shift + E::bits > 32) code |= words[bit / 32 + 1] << (32 - shift);
  return E::decode(static_cast<std::uint8_t>(code & ((1u << E::bits) - 1)));
}

/// The elements of N codes as N / 2 pairs of T; less `zero_point` where the format has them.
template <class F, class T, unsigned N, unsigned W>
NVQ_HD void element_pairs(const std::uint32_t (&words)[W], std::uint32_t (&pairs)[N / 2],
                          [[maybe_unused]] std::uint8_t zero_point) noexcept {
  using E = typename F::element;
  if constexpr (E::bits == 6) {
    NVQ_UNROLL
    for (unsigned i = 0; i < N / 2; ++i) {
      const unsigned shift = 12 * i % 32;
      std::uint32_t codes = words[12 * i / 32] >> shift;
      if (shift > 20) codes |= words[12 * i / 32 + 1] << (32 - shift);
      pairs[i] = decode_word<E, T>::decode_pair(codes);
    }
  } else {
    constexpr unsigned per_word = 32 / E::bits;
    NVQ_UNROLL
    for (unsigned w = 0; w < W; ++w) {
      std::uint32_t part[per_word / 2];
      if constexpr (F::has_zero_point)
        decode_word<E, T>::decode(words[w], part, zero_point);
      else
        decode_word<E, T>::decode(words[w], part);
      NVQ_UNROLL
      for (unsigned i = 0; i < per_word / 2; ++i)
        if (w * per_word / 2 + i < N / 2) pairs[w * per_word / 2 + i] = part[i];
    }
  }
}

/// Elements for which every value is a bfloat16.
template <class E>
struct is_bfloat16_exact {
  static constexpr bool value = decode_word<E, bfloat16>::exists;
};
template <>
struct is_bfloat16_exact<NormalFloat4> {
  static constexpr bool value = false;
};
template <int E, int M, Specials S, int Bias, bool Signed>
struct is_bfloat16_exact<Float<E, M, S, Bias, Signed>> {
  static constexpr bool value = M <= 7 && Bias <= 127;
};

/// Whether the scale is a T without rounding, so that one product of T gives the bits of a product in float that
/// is rounded to T: both round an exact product once.
template <class S, class T>
struct scale_is {
  static constexpr bool value =
      std::is_same<S, ScaleE4M3>::value ||
      (is_half<T> ? std::is_same<S, ScaleFP16>::value
                  : std::is_same<S, ScaleE8M0>::value || std::is_same<S, ScaleBF16>::value);
};
template <class S, class T>
struct scale_is<Affine<S>, T> : scale_is<S, T> {};

/// block_scale::decode(), of E4M3 by the instructions that decode codes and of E8M0 without a branch.
template <class F>
NVQ_HD float scale_value(const typename F::scale_code& scale) noexcept {
  if constexpr (F::has_zero_point) {
    return F::block_scale::decode(scale.scale);
  } else if constexpr (std::is_same<typename F::block_scale, ScaleE4M3>::value) {
    std::uint32_t pairs[2];
    decode_word<E4M3, half>::decode(scale, pairs);
    return low_of<half>(pairs[0]);
  } else if constexpr (std::is_same<typename F::block_scale, ScaleE8M0>::value) {
    const std::uint32_t normal = static_cast<std::uint32_t>(scale) << 23;
    return float_from_bits(scale == 0 ? 0x00400000u : scale == 255 ? 0x7FC00000u : normal);
  } else {
    return F::block_scale::decode(scale);
  }
}
template <class F>
NVQ_HD std::uint8_t zero_point(const typename F::scale_code& scale) noexcept {
  if constexpr (F::has_zero_point)
    return scale.zero_point;
  else
    return (void)scale, std::uint8_t{0};
}

/// The elements of N codes as floats.
template <class F, unsigned N, unsigned W>
NVQ_HD void element_floats(const std::uint32_t (&words)[W], float (&out)[N], std::uint8_t zero) noexcept {
  using E = typename F::element;
  if constexpr (N % 2 == 0 && decode_word<E, bfloat16>::exists && is_bfloat16_exact<E>::value) {
    std::uint32_t pairs[N / 2];
    element_pairs<F, bfloat16, N>(words, pairs, zero);
    NVQ_UNROLL
    for (unsigned i = 0; i < N / 2; ++i) {
      out[2 * i] = low_of<bfloat16>(pairs[i]);
      out[2 * i + 1] = high_of<bfloat16>(pairs[i]);
    }
  } else if constexpr (N % 4 == 0 && std::is_same<E, NormalFloat4>::value) {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; i += 4) {
      float four[4];
      nf4_floats(words[i / 8] >> i % 8 * 4, four);
      NVQ_UNROLL
      for (unsigned j = 0; j < 4; ++j) out[i + j] = four[j];
    }
  } else {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) {
      out[i] = decode_one<E, N>(words, i);
      if (F::has_zero_point) out[i] = sub_rn(out[i], E::decode(zero));
    }
  }
}

/// Which factors unpack() applies.
enum class Factors { none, block, all };

template <Factors Apply, class F, class Out, unsigned Count>
NVQ_HD void unpack_as(const codes_t<F, Count * register_traits<Out>::count>& codes,
                      typename F::scale_code scale, float tensor_scale, Out (&out)[Count]) noexcept {
  check_target<F>();
  using traits = register_traits<Out>;
  using T = typename traits::value;
  constexpr unsigned n = Count * traits::count, words_n = word_count<codes_t<F, n>>;
  std::uint32_t words[words_n];
  to_words(codes, words);
  const std::uint8_t zero = Apply == Factors::none ? std::uint8_t{0} : zero_point<F>(scale);

  constexpr bool in_pairs =
      !std::is_same<T, float>::value && decode_word<typename F::element, T>::exists &&
      (Apply == Factors::none || (Apply == Factors::block && scale_is<typename F::block_scale, T>::value));
  if constexpr (in_pairs) {
    std::uint32_t pairs[n / 2];
    element_pairs<F, T, n>(words, pairs, zero);
    if constexpr (Apply == Factors::block) {
      const float s = scale_value<F>(scale);
      const std::uint32_t factor = make_pair<T>(s, s);
      NVQ_UNROLL
      for (unsigned i = 0; i < n / 2; ++i) pairs[i] = mul_pair<T>(pairs[i], factor);
    }
    NVQ_UNROLL
    for (unsigned i = 0; i < n / 2; ++i) out[i] = traits::from_bits(pairs[i]);
  } else {
    float values[n];
    element_floats<F, n>(words, values, zero);
    if constexpr (Apply != Factors::none) {
      const float s = scale_value<F>(scale);
      NVQ_UNROLL
      for (unsigned i = 0; i < n; ++i) {
        values[i] = mul_rn(values[i], s);
        if (Apply == Factors::all) values[i] = mul_rn(values[i], tensor_scale);
      }
    }
    if constexpr (std::is_same<T, float>::value) {
      NVQ_UNROLL
      for (unsigned i = 0; i < n; ++i) out[i] = values[i];
    } else {
      NVQ_UNROLL
      for (unsigned i = 0; i < n / 2; ++i)
        out[i] = traits::from_bits(make_pair<T>(values[2 * i], values[2 * i + 1]));
    }
  }
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
  static_assert(F::element::bits == 4, "nvq: interleaved orders are of 4-bit codes");
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
  static_assert(F::has_zero_point && F::element::bits == 4, "nvq: this format's codes have no zero point");
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
inline constexpr int unpack_bias =
    detail::decode_word<typename F::element, typename register_traits<Out>::value>::bias;

/// Elements times 2^-unpack_bias<F, Out>, a power that the caller folds into a scale: two instructions a pair, none
/// of them floating-point. Eight E2M1 codes in interleaved order, or four E4M3 codes; the NaN of E4M3 reads as 480.
/// The smallest values are subnormal: what consumes them must not flush.
template <class F, class Out, unsigned Count>
NVQ_HD void unpack_biased(std::uint32_t codes, Out (&out)[Count]) noexcept {
  using traits = register_traits<Out>;
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
