// SPDX-License-Identifier: Apache-2.0
// What needs the FP4 and FP6 conversions of Blackwell, kernel by kernel, and the same of formats that do not.
#include <nvq/cuda/fp8.cuh>
#include <nvq/cuda/int4.cuh>
#include <nvq/cuda/int8.cuh>
#include <nvq/cuda/mxfp4.cuh>
#include <nvq/cuda/mxfp6.cuh>
#include <nvq/cuda/mxfp8.cuh>
#include <nvq/cuda/nf4.cuh>
#include <nvq/cuda/nvfp4.cuh>

template <class F>
using codes = nvq::cuda::codes_t<F, 8>;
template <class F>
using packed = nvq::cuda::packed<F, 8>;
template <class F>
using in_registers =
    nvq::Format<typename F::element, nvq::Block<8>, typename F::block_scale, typename F::tensor_scale>;

template <class F>
__global__ void unpack(codes<F> in, typename F::scale_code scale, float tensor_scale, float (*out)[8]) {
  nvq::cuda::unpack<F>(in, scale, tensor_scale, *out);
}
template <class F>
__global__ void unpack_block_scaled(codes<F> in, typename F::scale_code scale, __half2 (*out)[4]) {
  nvq::cuda::unpack<F>(in, scale, *out);
}
template <class F>
__global__ void unpack_elements(codes<F> in, __nv_bfloat162 (*out)[4]) {
  nvq::cuda::unpack<F>(in, *out);
}
template <class F>
__global__ void unpack_interleaved(std::uint32_t in, __half2 (*out)[4]) {
  nvq::cuda::unpack<F, nvq::cuda::Order::interleaved>(in, *out);
}
template <class F>
__global__ void pack(const float (*in)[8], nvq::TensorScales scales, packed<F>* out) {
  *out = nvq::cuda::pack<F>(*in, scales);
}
template <class F>
__global__ void pack_part(const __half2 (*in)[4], nvq::TensorScales scales, packed<F>* out) {
  *out = nvq::cuda::pack<F>(*in, nvq::cuda::gather<F>(*in), scales);
}
template <class F>
__global__ void pack_stochastic(const float (*in)[8], nvq::TensorScales scales,
                                const std::uint32_t (*random)[8], packed<F>* out) {
  *out = nvq::cuda::pack_stochastic<F>(*in, scales, *random);
}
template <class F>
__global__ void encode(const float (*in)[8], typename F::scale_code scale, codes<F>* out) {
  *out = nvq::cuda::encode<F>(*in, scale);
}
template <class F>
void use_tensors() {
  typename F::scale_type* scales = nullptr;
  const auto layout = nvq::ScaleLayout::linear;
  (void)nvq::cuda::quantize_async<F>(static_cast<const float*>(nullptr), {1, 1}, nullptr, scales, nullptr,
                                     layout, nullptr);
  (void)nvq::cuda::dequantize_async<F>(nullptr, scales, layout, nullptr, {1, 1}, static_cast<float*>(nullptr),
                                       nullptr);
}
template <class F>
void use() {
  use_tensors<F>();
  using R = in_registers<F>;
  unpack<R><<<1, 1>>>({}, {}, 1.0f, nullptr);
  unpack_block_scaled<R><<<1, 1>>>({}, {}, nullptr);
  unpack_elements<R><<<1, 1>>>({}, nullptr);
  pack<R><<<1, 1>>>(nullptr, {}, nullptr);
  pack_part<R><<<1, 1>>>(nullptr, {}, nullptr);
  if constexpr (!std::is_same<F, nvq::NF4>::value)
    pack_stochastic<R><<<1, 1>>>(nullptr, {}, nullptr, nullptr);
  if constexpr (!F::has_tensor_scale) encode<R><<<1, 1>>>(nullptr, {}, nullptr);
  if constexpr (std::is_same<F, nvq::NVFP4>::value || std::is_same<F, nvq::INT4_G32>::value)
    unpack_interleaved<R><<<1, 1>>>({}, nullptr);
}

int main() {
  use<nvq::MXFP8_E4M3>();
  use<nvq::INT8_G128>();
  use<nvq::INT4_G32>();
  use<nvq::NF4>();
#ifndef NVQ_CORRECT
  use_tensors<nvq::NVFP4_2D>();
  use<nvq::NVFP4>();
  use<nvq::MXFP6_E2M3>();
  use<nvq::MXFP6_E3M2>();
#endif
}
