// SPDX-License-Identifier: Apache-2.0
// The light part of the library inside kernels: elements, the block codec under every recipe, layouts.
#include <nvq/formats.hpp>
#include <nvq/layout.hpp>
#include <nvq/recipe.hpp>

#include <cstdint>
#include <tuple>

template <class E>
__global__ void element(const float* in, std::uint8_t* codes, float* out) {
  codes[threadIdx.x] = E::encode(in[threadIdx.x]);
  out[threadIdx.x] = E::decode(codes[threadIdx.x]);
}

template <class F, class R>
__global__ void block(const float* in, float amax, std::uint8_t* codes, typename F::scale_code* scale,
                      float* out) {
  const auto ts = nvq::tensor_scales<F>(amax, R{});
  *scale = nvq::encode_block<F>(in, 32, codes, ts, R{});
  nvq::decode_block<F>(codes, 32, *scale, ts.decode, out);
}

template <class F, class R>
void use_recipe() {
  if constexpr (nvq::supports_v<R, F>) block<F, R><<<1, 1>>>(nullptr, 1.0f, nullptr, nullptr, nullptr);
}
template <class F, class... R>
void use_recipes(std::tuple<R...>) {
  (use_recipe<F, R>(), ...);
}

int main() {
  element<nvq::E2M1><<<1, 1>>>(nullptr, nullptr, nullptr);
  element<nvq::E4M3><<<1, 1>>>(nullptr, nullptr, nullptr);
  element<nvq::E5M2><<<1, 1>>>(nullptr, nullptr, nullptr);
  element<nvq::E8M0><<<1, 1>>>(nullptr, nullptr, nullptr);
  element<nvq::NormalFloat4><<<1, 1>>>(nullptr, nullptr, nullptr);
  use_recipes<nvq::NVFP4>(nvq::AllRecipes{});
  use_recipes<nvq::MXFP4>(nvq::AllRecipes{});
  use_recipes<nvq::FP8_E4M3_1x128>(nvq::AllRecipes{});
  use_recipes<nvq::INT4_G32>(nvq::AllRecipes{});
  use_recipes<nvq::INT4_G32_ZP>(nvq::AllRecipes{});
}
