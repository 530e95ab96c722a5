// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/decode_nf4.cuh>
#include <nvq/cuda/decode_word.cuh>
#include <nvq/cuda/registers.cuh>
#include <nvq/cuda/target.cuh>
#include <nvq/recipe/base.hpp>
#include <type_traits>

// What the forms of unpack() have in common: in which type codes become values, and where scales multiply.

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
    // Through halves where instructions, or shifts alone, make FP8 halves.
    constexpr bool as_half =
        std::is_same<E, E5M2>::value || (std::is_same<E, E4M3>::value && NVQ_HAS_CVT_FP8 != 0);
    using T = std::conditional_t<as_half, half, bfloat16>;
    std::uint32_t pairs[N / 2];
    element_pairs<F, T, N>(words, pairs, zero);
    NVQ_UNROLL
    for (unsigned i = 0; i < N / 2; ++i) {
      out[2 * i] = low_of<T>(pairs[i]);
      out[2 * i + 1] = high_of<T>(pairs[i]);
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

}  // namespace cuda

NVQ_END_NAMESPACE
