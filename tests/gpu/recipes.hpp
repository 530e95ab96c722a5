// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe.hpp>
#include <tuple>
#include <type_traits>

namespace gpu {

/// Recipes that are defined by rcp.approx.ftz.f32, which the host only models: there a difference is counted and is no
/// failure.
template <class F, class R>
inline constexpr bool is_approximate = F::has_tensor_scale && (std::is_same<R, nvq::recipe::vllm_t>::value ||
                                                               std::is_same<R, nvq::recipe::trtllm_t>::value);

/// What quantize_async() takes: with one scale for the tensor, recipes that need its amax only.
template <class F, class R>
constexpr bool on_device() {
  if constexpr (!nvq::supports_v<R, F>) {
    return false;
  } else if constexpr (F::block::rows == 0) {
    using rules = nvq::detail::rules_t<R, F>;
    using statistic = typename rules::statistic;
    return !nvq::detail::is_search<rules, F>::value &&
           (std::is_same<statistic, nvq::AbsMax>::value || std::is_same<statistic, nvq::AbsMaxNaN>::value);
  } else {
    return true;
  }
}

template <class Fn, class... R>
void for_each_recipe_of(Fn fn, std::tuple<R...>*) {
  (fn(R{}), ...);
}
template <class Fn>
void for_each_recipe(Fn fn) {
  for_each_recipe_of(fn, static_cast<nvq::AllRecipes*>(nullptr));
}

}  // namespace gpu
