// SPDX-License-Identifier: Apache-2.0
// The register functions in kernels: every type of values, every recipe.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <nvq/cuda/kv_cache.cuh>
#include <nvq/cuda/mma.cuh>
#include <nvq/cuda/thread.cuh>
#include <tuple>

#include "formats.hpp"

namespace registers {

using nvq::cuda::codes_t;
using nvq::cuda::Order;
using nvq::cuda::register_traits;

/// How many values of a block one thread has.
template <class F>
constexpr int block =
#ifdef NVQ_EVERYTHING
    F::block_size == 0 || F::block_size > 64 ? 32 : static_cast<int>(F::block_size);
#else
    8;
#endif

template <class F>
using in_registers =
    nvq::Format<typename F::element, nvq::Block<block<F>>, typename F::block_scale, typename F::tensor_scale>;

template <class Out, int N>
using values = Out[N / register_traits<Out>::count];

template <class T, int N>
__device__ void store(const T (&from)[N], T* to) {
  for (int i = 0; i < N; ++i) to[i] = from[i];
}
template <class T, int N>
__device__ void load(const T* from, T (&to)[N]) {
  for (int i = 0; i < N; ++i) to[i] = from[i];
}

template <class F, class Out, int N>
__global__ void unpack(codes_t<F, N> codes, typename F::scale_code scale, float tensor_scale, Out* out) {
  values<Out, N> x;
  nvq::cuda::unpack<F>(codes, scale, tensor_scale, x);
  store(x, out);
  nvq::cuda::unpack<F>(codes, scale, x);
  store(x, out + N);
  nvq::cuda::unpack<F>(codes, x);
  store(x, out + 2 * N);
}
template <class F, class Out>
__global__ void unpack_interleaved(std::uint32_t codes, Out* out) {
  Out x[4];
  nvq::cuda::unpack<F, Order::interleaved>(codes, x);
  store(x, out);
}
template <class F, class Out>
__global__ void unpack_biased(std::uint32_t codes, Out* out) {
  Out x[32 / F::element::bits / 2];
  nvq::cuda::unpack_biased<F>(codes, x);
  store(x, out);
}
template <class F>
__global__ void unpack_e4m3(std::uint32_t codes, std::uint32_t* out) {
  std::uint32_t x[2];
  nvq::cuda::unpack_e4m3<F>(codes, x);
  store(x, out);
}

template <class F, class In, class R>
__global__ void pack(const In* in, float amax, nvq::cuda::packed<F, block<F>>* out) {
  values<In, block<F>> x;
  load(in, x);
  *out = nvq::cuda::pack<F>(x, nvq::tensor_scales<F>(amax, R{}), R{});
}
template <class F, class In, class R>
__global__ void pack_part(const In* in, nvq::TensorScales scales, nvq::cuda::packed<F, 4>* out) {
  values<In, 4> x;
  load(in, x);
  auto statistic = nvq::cuda::gather<F>(x, R{});
  load(in + 4, x);
  statistic.merge(nvq::cuda::gather<F>(x, R{}));
  *out = nvq::cuda::pack<F>(x, statistic, scales, R{});
}
template <class F, class In>
__global__ void pack_stochastic(const In* in, nvq::TensorScales scales, const std::uint32_t* random,
                                nvq::cuda::packed<F, block<F>>* out) {
  values<In, block<F>> x;
  std::uint32_t bits[block<F>];
  load(in, x);
  load(random, bits);
  *out = nvq::cuda::pack_stochastic<F>(x, scales, bits);
}
template <class F, class In>
__global__ void encode(const In* in, typename F::scale_code scale, codes_t<F, 8>* out) {
  values<In, 8> x;
  load(in, x);
  *out = nvq::cuda::encode<F>(x, scale);
}
__global__ void hadamard(const float* in, float* out) {
  float x[16];
  load(in, x);
  nvq::cuda::hadamard16(x);
  store(x, out);
}
template <class In>
__global__ void amax(const In* in, float* out) {
  values<In, 16> x;
  load(in, x);
  *out = nvq::cuda::amax(x);
}

/// A head of 16 lanes to a KV cache and back.
template <class F, class In>
__global__ void kv(nvq::cuda::kv_cache<F> cache, const std::int64_t* slots, nvq::TensorScales scales,
                   In* inout) {
  const auto column = static_cast<std::int32_t>(threadIdx.x % 16 * 8);
  const nvq::cuda::kv_slot at = nvq::cuda::kv_slot_of(slots[threadIdx.x / 16], 16);
  values<In, 8> x;
  load(inout, x);
  if constexpr (F::block::rows == 0)
    nvq::cuda::kv_store(cache, at, 0, column, x);
  else
    nvq::cuda::kv_quantize<16>(cache, at, 0, column, x, scales);
  nvq::cuda::kv_load(cache, at, 1, column, scales.decode, x);
  store(x, inout);
}

template <class T>
__global__ void mma(float (*d)[4], const std::uint32_t (*a)[4], const std::uint32_t (*b)[2]) {
  nvq::cuda::mma<T>(*d, *a, *b);
}
template <class F>
__global__ void mma_scaled(float (*d)[4], const std::uint32_t (*a)[4], const std::uint32_t (*b)[2],
                           std::uint32_t scales_a, std::uint32_t scales_b) {
#if NVQ_HAS_MMA_BLOCK_SCALE
  nvq::cuda::mma<F>(*d, *a, *b, scales_a, scales_b);
#endif
}

template <class F, class Pair>
void use_pairs() {
  using E = typename F::element;
  unpack<F, Pair, 8><<<1, 1>>>({}, {}, 1.0f, nullptr);
  pack<F, Pair, nvq::default_recipe<F>><<<1, 1>>>(nullptr, 1.0f, nullptr);
  if constexpr (E::bits == 4 && !std::is_same<E, nvq::NormalFloat4>::value)
    unpack_interleaved<F, Pair><<<1, 1>>>({}, nullptr);
  if constexpr (std::is_same<E, nvq::E2M1>::value || std::is_same<E, nvq::E4M3>::value)
    unpack_biased<F, Pair><<<1, 1>>>({}, nullptr);
}
template <class F, class R>
void use_recipe() {
  if constexpr (nvq::supports_v<R, F>) {
    constexpr bool searches = nvq::detail::is_search<nvq::detail::rules_t<R, F>, F>::value;
    if constexpr (!searches) pack_part<F, float, R><<<1, 1>>>(nullptr, {}, nullptr);
#ifndef NVQ_EVERYTHING
    if constexpr (!searches)  // those are long, and in codecs.cu
#endif
      pack<F, float, R><<<1, 1>>>(nullptr, 1.0f, nullptr);
  }
}
template <class F, class... R>
void use_format(std::tuple<R...>*) {
  using E = typename F::element;
  unpack<F, float, 8><<<1, 1>>>({}, {}, 1.0f, nullptr);
  use_pairs<F, __half2>();
  use_pairs<F, __nv_bfloat162>();
#ifdef NVQ_EVERYTHING
  unpack<F, float, 2><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack<F, __half2, 2><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack<F, __nv_bfloat162, 2><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack<F, float, 32><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack<F, __half2, 32><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack<F, __nv_bfloat162, 32><<<1, 1>>>({}, {}, 1.0f, nullptr);
  use_pairs<F, nvq::cuda::pair<nvq::half>>();
  use_pairs<F, nvq::cuda::pair<nvq::bfloat16>>();
#endif
  if constexpr (std::is_same<E, nvq::E2M1>::value || std::is_same<E, nvq::Int4>::value)
    unpack_e4m3<F><<<1, 1>>>({}, nullptr);
  if constexpr (!std::is_same<E, nvq::UInt4>::value && !std::is_same<E, nvq::NormalFloat4>::value)
    pack_stochastic<F, float><<<1, 1>>>(nullptr, {}, nullptr, nullptr);
  if constexpr (!F::has_tensor_scale && !F::has_zero_point) encode<F, float><<<1, 1>>>(nullptr, {}, nullptr);
  (use_recipe<F, R>(), ...);
}
template <class... F>
void use_formats(std::tuple<F...>*) {
  (use_format<in_registers<F>>(static_cast<nvq::AllRecipes*>(nullptr)), ...);
}

void use() {
  use_formats(static_cast<Families*>(nullptr));
  mma<nvq::half><<<1, 32>>>(nullptr, nullptr, nullptr);
  mma<nvq::bfloat16><<<1, 32>>>(nullptr, nullptr, nullptr);
  mma_scaled<nvq::NVFP4><<<1, 32>>>(nullptr, nullptr, nullptr, 0, 0);
  mma_scaled<nvq::MXFP4><<<1, 32>>>(nullptr, nullptr, nullptr, 0, 0);
  kv<nvq::FP8_E4M3, __nv_bfloat162><<<1, 32>>>({}, nullptr, {}, nullptr);
  kv<nvq::FP8_E4M3_Row, __half2><<<1, 32>>>({}, nullptr, {}, nullptr);
  kv<nvq::NVFP4, __nv_bfloat162><<<1, 32>>>({}, nullptr, {}, nullptr);
  hadamard<<<1, 1>>>(nullptr, nullptr);
  amax<float><<<1, 1>>>(nullptr, nullptr);
  amax<__half2><<<1, 1>>>(nullptr, nullptr);
  amax<__nv_bfloat162><<<1, 1>>>(nullptr, nullptr);
}

}  // namespace registers
