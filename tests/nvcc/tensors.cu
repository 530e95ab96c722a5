// SPDX-License-Identifier: Apache-2.0
// The library's own kernels.
#include <cstdint>
#include <nvq/cuda/device.cuh>
#include <tuple>

#include "formats.hpp"

namespace tensors {

template <class F, class T, class R = nvq::default_recipe<F>>
void quantize() {
  (void)nvq::cuda::quantize_async<F>(static_cast<const T*>(nullptr), {1, 1}, nullptr, nullptr, nullptr,
                                     nvq::ScaleLayout::linear, nullptr, R{});
}
template <class F, class T>
void dequantize() {
  (void)nvq::cuda::dequantize_async<F>(nullptr, nullptr, nvq::ScaleLayout::linear, nullptr, {1, 1},
                                       static_cast<T*>(nullptr), nullptr);
}

template <class F, class... R>
void use_recipes(std::tuple<R...>*) {
#ifdef NVQ_EVERYTHING
  auto use = [](auto r) {
    using recipe = decltype(r);
    if constexpr (nvq::supports_v<recipe, F>) {
      using rules = nvq::detail::rules_t<recipe, F>;
      using statistic = typename rules::statistic;
      constexpr bool needs_amax_only =
          !nvq::detail::is_search<rules, F>::value &&
          (std::is_same<statistic, nvq::AbsMax>::value || std::is_same<statistic, nvq::AbsMaxNaN>::value);
      if constexpr (F::block::rows != 0 || needs_amax_only) quantize<F, __nv_bfloat16, recipe>();
    }
  };
  (use(R{}), ...);
#endif
}
template <class F>
void use_format() {
  quantize<F, __nv_bfloat16>();
  dequantize<F, __nv_bfloat16>();
#ifdef NVQ_EVERYTHING
  quantize<F, float>();
  quantize<F, __half>();
  dequantize<F, float>();
  dequantize<F, __half>();
#endif
  use_recipes<F>(static_cast<nvq::AllRecipes*>(nullptr));
}
template <class... F>
void use_formats(std::tuple<F...>*) {
  (use_format<F>(), ...);
}
template <class T>
void use_values() {
  (void)nvq::cuda::amax_async(static_cast<const T*>(nullptr), {1, 1}, nullptr, nullptr);
  (void)nvq::cuda::hadamard_async(static_cast<const T*>(nullptr), {1, 16}, static_cast<T*>(nullptr), nullptr);
}

void use() {
#ifdef NVQ_EVERYTHING
  use_formats(static_cast<nvq::AllFormats*>(nullptr));
#else
  use_formats(static_cast<Families*>(nullptr));
  use_format<nvq::NVFP4_2D>();
  use_format<nvq::FP8_E4M3_Row>();
  use_format<nvq::NF4_DQ>();
  quantize<nvq::FP8_E4M3_128x128, float, nvq::recipe::mse_t>();
  quantize<nvq::NVFP4_2D, float, nvq::recipe::four_over_six_mae_t>();
#endif
  quantize<nvq::NVFP4, float, nvq::recipe::vllm_t>();
  quantize<nvq::NVFP4, float, nvq::recipe::four_over_six_t>();
  use_values<float>();
  use_values<__half>();
  use_values<__nv_bfloat16>();
  const nvq::layout::Linear<> linear({1, 1});
  const nvq::layout::Blocked128x4 blocked({1, 1});
  (void)nvq::cuda::convert_layout_async(linear, nullptr, blocked, nullptr, nullptr);
}

}  // namespace tensors
