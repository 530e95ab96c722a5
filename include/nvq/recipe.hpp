// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <nvq/recipe/amax.hpp>
#include <nvq/recipe/base.hpp>
#include <nvq/recipe/mx.hpp>
#include <nvq/recipe/nvfp4.hpp>
#include <type_traits>

NVQ_BEGIN_NAMESPACE

namespace recipe {

using transformer_engine_t = nvfp4::transformer_engine;
using modelopt_t = nvfp4::modelopt;
using torchao_t = nvfp4::torchao;
using four_over_six_t = nvfp4::four_over_six;
using mse_t = nvfp4::mse;
using rceil_t = mx::rceil;
using amax_t = plain::amax;

inline constexpr transformer_engine_t transformer_engine{};
inline constexpr modelopt_t modelopt{};
inline constexpr torchao_t torchao{};
inline constexpr four_over_six_t four_over_six{};
inline constexpr mse_t mse{};
inline constexpr rceil_t rceil{};
inline constexpr amax_t amax{};

}  // namespace recipe

namespace detail {
template <class F>
NVQ_HD constexpr auto default_recipe_of() noexcept {
  if constexpr (F::has_tensor_scale)
    return recipe::transformer_engine_t{};
  else if constexpr (std::is_same<typename F::block_scale, ScaleE8M0>::value)
    return recipe::rceil_t{};
  else
    return recipe::amax_t{};
}
}  // namespace detail

/// The recipe used when none is named: transformer_engine with a tensor scale, rceil with E8M0 scales, amax
/// otherwise.
template <class F>
using default_recipe = decltype(detail::default_recipe_of<F>());

NVQ_END_NAMESPACE
