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

template <class Fn, class... R>
void for_each_recipe_of(Fn fn, std::tuple<R...>*) {
  (fn(R{}), ...);
}
template <class Fn>
void for_each_recipe(Fn fn) {
  for_each_recipe_of(fn, static_cast<nvq::AllRecipes*>(nullptr));
}

}  // namespace gpu
