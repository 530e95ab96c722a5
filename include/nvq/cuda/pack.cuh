// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/cuda/divide.cuh>
#include <nvq/cuda/ptx.cuh>
#include <nvq/cuda/registers.cuh>
#include <nvq/cuda/target.cuh>
#include <nvq/cuda/unpack.cuh>
#include <nvq/recipe.hpp>

// Values in registers to codes and their scale, for fused epilogues and quantizing kernels. Host and device
// functions with the bits of the host's encode.
//
// `values` is an array of float, __half2 or __nv_bfloat162 (or nvq::cuda::pair), in the order of the columns.

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// N codes, the first in the lowest bits, and the scale of their block as it is stored (with its zero point where
/// the format has them).
template <class F, unsigned N>
struct packed {
  codes_t<F, N> codes;
  typename F::scale_code scale;
};

namespace detail {

template <class In, unsigned Count>
NVQ_HD void to_floats(const In (&values)[Count], float (&out)[Count * register_traits<In>::count]) noexcept {
  using traits = register_traits<In>;
  NVQ_UNROLL
  for (unsigned i = 0; i < Count; ++i) {
    if constexpr (traits::count == 1) {
      out[i] = values[i];
    } else {
      const std::uint32_t bits = traits::bits(values[i]);
      out[2 * i] = low_of<typename traits::value>(bits);
      out[2 * i + 1] = high_of<typename traits::value>(bits);
    }
  }
}

/// The values of the block codec, nvq::detail::block_scale.
template <unsigned N>
struct register_values {
  const float (&value)[N];
  NVQ_HD constexpr std::int64_t rows() const noexcept { return 1; }
  NVQ_HD constexpr register_values row(std::int64_t) const noexcept { return *this; }
  template <class Fn>
  NVQ_HD constexpr void for_each(Fn fn) const noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) fn(i, value[i]);
  }
};

template <class E>
NVQ_HD void put_code(std::uint32_t* words, unsigned index, std::uint32_t codes, unsigned bits) noexcept {
  const unsigned bit = index * E::bits, shift = bit % 32;
  if (bits < 8)
    words[bit / 32] += codes << shift;  // the bits are free: one instruction shifts and adds
  else
    words[bit / 32] |= codes << shift;  // bytes are permuted
  if (shift + bits > 32) words[bit / 32 + 1] |= codes >> (32 - shift);
}

template <class F, class R, class Scaler, unsigned N>
NVQ_HD codes_t<F, N> encode_floats(const float (&values)[N], Scaler scaler) noexcept {
  using E = typename F::element;
  using codes = codes_t<F, N>;
  using as_plain = plain_rounding<F, R>;
  float scaled[N];
  scale_values<F, R>(values, scaler, scaled);
  std::uint32_t words[word_count<codes>] = {};
  if constexpr (ptx::has_encode2<E>::value && as_plain::value && N % 2 == 0) {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; i += 2)
      put_code<E>(words, i, ptx::encode2<E>(as_plain::input(scaled[i]), as_plain::input(scaled[i + 1])),
                  2 * E::bits);
  } else {
    NVQ_UNROLL
    for (unsigned i = 0; i < N; ++i) {
      if constexpr (as_plain::value)
        put_code<E>(words, i, E::encode(as_plain::input(scaled[i])), E::bits);
      else
        put_code<E>(words, i, R::template element<F>(scaled[i]), E::bits);
    }
  }
  return from_words<codes>(words);
}

template <class E, class = void>
inline constexpr bool has_stochastic = false;
template <class E>
inline constexpr bool has_stochastic<E, std::void_t<decltype(E::encode_stochastic(0.0f, std::uint32_t{}))>> =
    true;

template <class F, class R>
using statistic_t = typename nvq::detail::rules_t<R, F>::statistic;

template <class In, unsigned Count>
inline constexpr unsigned values_in = Count* register_traits<In>::count;

template <class R>
using require_recipe = std::enable_if_t<is_recipe_v<R>>;

}  // namespace detail

/// Encodes a block that one thread has: its scale and its codes under the recipe. The number of values is the
/// format's block; where the block depends on the shape (rows, tensors), what is given counts as the block.
///
///     const auto scales = nvq::tensor_scales<nvq::NVFP4>(amax);
///     const auto block = nvq::cuda::pack<nvq::NVFP4>(values, scales);  // block.codes, block.scale
///
/// scales: those of the tensor, from tensor_scales<F>(amax, recipe) of the same recipe; formats without a tensor
/// scale have none.
template <class F, class In, unsigned Count, class R = default_recipe<F>, class = detail::require_recipe<R>>
NVQ_HD packed<F, detail::values_in<In, Count>> pack(const In (&values)[Count], TensorScales scales,
                                                    R = {}) noexcept {
  using rules = nvq::detail::rules_t<R, F>;
  constexpr unsigned n = detail::values_in<In, Count>;
  static_assert(supports_v<R, F>, "nvq: this recipe does not apply to this Format");
  static_assert(F::block_size == 0 || F::block_size == static_cast<std::size_t>(n),
                "nvq: pack() takes one whole block; for a part of one, gather() and pack() with a statistic");
  detail::check_target<F>();
  float x[n];
  detail::to_floats(values, x);
  const detail::register_values<n> block{x};
  const auto statistic = nvq::detail::block_statistic<typename rules::statistic>(block);
  const auto scale =
      nvq::detail::block_scale<F, rules>(block, nvq::detail::column_weights{nullptr}, statistic, scales);
  return {detail::encode_floats<F, rules>(x, rules::template scaler<F>(scale, statistic, scales)), scale};
}
/// The same for formats without a tensor scale.
template <class F, class In, unsigned Count, class R = default_recipe<F>, class = detail::require_recipe<R>>
NVQ_HD packed<F, detail::values_in<In, Count>> pack(const In (&values)[Count], R recipe = {}) noexcept {
  static_assert(!F::has_tensor_scale,
                "nvq: this format has a tensor scale: pass tensor_scales<F>(amax, recipe)");
  return pack<F>(values, TensorScales{}, recipe);
}

/// What a recipe gathers of values (its statistic: the largest magnitude, the range ...). Threads that share a
/// block each gather of theirs and merge() the statistics in the order of the columns.
template <class F, class In, unsigned Count, class R = default_recipe<F>, class = detail::require_recipe<R>>
NVQ_HD detail::statistic_t<F, R> gather(const In (&values)[Count], R = {}) noexcept {
  constexpr unsigned n = detail::values_in<In, Count>;
  float x[n];
  detail::to_floats(values, x);
  return nvq::detail::block_statistic<detail::statistic_t<F, R>>(detail::register_values<n>{x});
}

/// Encodes a part of a block, given the statistic of all of it. Not for recipes that search (four_over_six, mse):
/// they need the values of the block in one thread.
template <class F, class In, unsigned Count, class R = default_recipe<F>, class = detail::require_recipe<R>>
NVQ_HD packed<F, detail::values_in<In, Count>> pack(const In (&values)[Count],
                                                    detail::statistic_t<F, R> statistic, TensorScales scales,
                                                    R = {}) noexcept {
  using rules = nvq::detail::rules_t<R, F>;
  static_assert(supports_v<R, F>, "nvq: this recipe does not apply to this Format");
  static_assert(!nvq::detail::is_search<rules, F>::value,
                "nvq: recipes that search for a scale need the whole block in one thread");
  detail::check_target<F>();
  constexpr unsigned n = detail::values_in<In, Count>;
  float x[n];
  detail::to_floats(values, x);
  const auto scale = rules::template scale<F>(statistic, scales);
  return {detail::encode_floats<F, rules>(x, rules::template scaler<F>(scale, statistic, scales)), scale};
}

/// Encodes N values under a scale that is there already (of a KV cache, per tensor, head or token): x / scale, rounded;
/// 0 under a scale of 0. unpack() is the way back.
// The type of the codes is a parameter because nvcc cannot deduce it as the return type.
template <class F, class In, unsigned Count, class Codes = codes_t<F, detail::values_in<In, Count>>>
NVQ_HD Codes encode(const In (&values)[Count], typename F::scale_code scale) noexcept {
  static_assert(!F::has_tensor_scale && !F::has_zero_point, "nvq: encode() is for formats with one scale");
  detail::check_target<F>();
  float x[detail::values_in<In, Count>];
  detail::to_floats(values, x);
  return detail::encode_floats<F, recipe::base>(x, DivideOrZero{F::block_scale::decode(scale)});
}

/// pack() of a whole block with stochastic rounding: random[i] are 32 uniform bits for value i, and the bits of
/// encode_options::stochastic come of random_bits(seed, index). The same on every target: instructions that
/// round stochastically (cvt.rs) are not used, since which bits they give to which value is not documented.
template <class F, class In, unsigned Count, class R = default_recipe<F>, class = detail::require_recipe<R>>
NVQ_HD packed<F, detail::values_in<In, Count>> pack_stochastic(
    const In (&values)[Count], TensorScales scales,
    const std::uint32_t (&random)[detail::values_in<In, Count>], R recipe = {}) noexcept {
  using rules = nvq::detail::rules_t<R, F>;
  using E = typename F::element;
  static_assert(supports_v<R, F>, "nvq: this recipe does not apply to this Format");
  static_assert(detail::has_stochastic<E>, "nvq: pack_stochastic: this element has no encode_stochastic()");
  constexpr unsigned n = detail::values_in<In, Count>;
  float x[n];
  detail::to_floats(values, x);
  const detail::register_values<n> block{x};
  const auto statistic = nvq::detail::block_statistic<typename rules::statistic>(block);
  const auto scale =
      nvq::detail::block_scale<F, rules>(block, nvq::detail::column_weights{nullptr}, statistic, scales);
  const auto scaler = rules::template scaler<F>(scale, statistic, scales);
  (void)recipe;
  detail::check_target<F>();
  std::uint32_t words[detail::word_count<codes_t<F, n>>] = {};
  NVQ_UNROLL
  for (unsigned i = 0; i < n; ++i)
    if constexpr (detail::has_stochastic<E>)
      detail::put_code<E>(words, i, E::encode_stochastic(scaler(x[i]), random[i]), E::bits);
  return {detail::from_words<codes_t<F, n>>(words), scale};
}

/// The largest magnitude of values in registers, NaN ignored.
template <class In, unsigned Count>
NVQ_HD float amax(const In (&values)[Count]) noexcept {
  using traits = register_traits<In>;
  using T = typename traits::value;
  if constexpr (traits::count == 1) {
    AbsMax largest;
    NVQ_UNROLL
    for (unsigned i = 0; i < Count; ++i) largest.add(values[i]);
    return largest.amax;
  } else {
    std::uint32_t largest = 0;
    NVQ_UNROLL
    for (unsigned i = 0; i < Count; ++i) {
      const std::uint32_t magnitudes = traits::bits(values[i]) & 0x7FFF7FFFu;
      largest =
          detail::is_half<T> ? ptx::max_f16x2(largest, magnitudes) : ptx::max_bf16x2(largest, magnitudes);
    }
    return max_of(detail::low_of<T>(largest), detail::high_of<T>(largest));
  }
}

}  // namespace cuda

NVQ_END_NAMESPACE
