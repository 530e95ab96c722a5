// SPDX-License-Identifier: Apache-2.0
// The block codec in kernels, under every recipe.
#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/recipe.hpp>
#include <tuple>

#include "formats.hpp"

namespace codecs {

template <class F, class R>
__global__ void encode(const float* in, std::int64_t n, const float* importance, float amax,
                       nvq::TensorScales* tensor_scales, std::uint8_t* codes, typename F::scale_code* scale) {
  *tensor_scales = nvq::tensor_scales<F>(amax, R{});
  *scale = nvq::encode_block<F>(in, n, codes, *tensor_scales, R{}, importance);
}

template <class F>
__global__ void decode(const std::uint8_t* codes, std::int64_t n, typename F::scale_code scale,
                       float tensor_scale, float* out) {
  nvq::decode_block<F>(codes, n, scale, tensor_scale, out);
}

template <class F, class R>
void use_recipe() {
  if constexpr (nvq::supports_v<R, F>)
    encode<F, R><<<1, 1>>>(nullptr, 0, nullptr, 1.0f, nullptr, nullptr, nullptr);
}
template <class F, class... R>
void use_format(std::tuple<R...>*) {
  (use_recipe<F, R>(), ...);
  decode<F><<<1, 1>>>(nullptr, 0, {}, 1.0f, nullptr);
}
template <class... F>
void use_formats(std::tuple<F...>*) {
  (use_format<F>(static_cast<nvq::AllRecipes*>(nullptr)), ...);
}

void use() {
#ifdef NVQ_EVERYTHING
  use_formats(static_cast<nvq::AllFormats*>(nullptr));
#else
  use_formats(static_cast<Families*>(nullptr));
#endif
}

}  // namespace codecs
