// SPDX-License-Identifier: Apache-2.0
// One kernel for every row of the table of pack() in docs/kernels.md, on one and on two units of 32 values, as
// unpack_instructions.cu has them of unpack().
#include <cuda_bf16.h>
#include <nvq/cuda/thread.cuh>

namespace {

using namespace nvq;
namespace recipe = nvq::recipe;

template <class F>
inline constexpr int block = F::block_size == 0 || F::block_size > 32 ? 32 : static_cast<int>(F::block_size);
template <class F>
struct packed_block {
  cuda::codes_t<F, block<F>> codes;
  typename F::scale_code scale;
};

__device__ void floats(const float4* in, float (&x)[32]) {
  NVQ_UNROLL
  for (int i = 0; i < 8; ++i) {
    const float4 v = in[i];
    x[4 * i] = v.x, x[4 * i + 1] = v.y, x[4 * i + 2] = v.z, x[4 * i + 3] = v.w;
  }
}

/// Blocks with their statistic and scale.
struct blocks {
  template <class F, class R>
  __device__ static packed_block<F> pack(const float (&x)[block<F>], float, TensorScales scales) {
    const auto packed = cuda::pack<F>(x, scales, R{});
    return {packed.codes, packed.scale};
  }
};
/// Codes under a scale that is there.
struct codes {
  template <class F, class R>
  __device__ static packed_block<F> pack(const float (&x)[block<F>], float scale, TensorScales) {
    return {cuda::encode<F>(x, scale), {}};
  }
};

template <class F, class R, class What, int Units>
__device__ void pack_units(const float4* in, float scale, TensorScales scales, packed_block<F>* out) {
  NVQ_UNROLL
  for (int u = 0; u < Units; ++u) {
    float x[32];
    floats(in + 8 * u, x);
    NVQ_UNROLL
    for (int b = 0; b < 32 / block<F>; ++b) {
      float part[block<F>];
      NVQ_UNROLL
      for (int i = 0; i < block<F>; ++i) part[i] = x[b * block<F> + i];
      out[u * (32 / block<F>)+b] = What::template pack<F, R>(part, scale, scales);
    }
  }
}

template <class F>
using in_registers =
    Format<typename F::element, Block<block<F>>, typename F::block_scale, typename F::tensor_scale>;

}  // namespace

#define ROW(name, F, recipe_name, what)                                                         \
  extern "C" __global__ void name##__##what##__##recipe_name##_1(                               \
      const float4* in, float scale, TensorScales scales, packed_block<in_registers<F>>* out) { \
    pack_units<in_registers<F>, recipe::recipe_name##_t, what, 1>(in, scale, scales, out);      \
  }                                                                                             \
  extern "C" __global__ void name##__##what##__##recipe_name##_2(                               \
      const float4* in, float scale, TensorScales scales, packed_block<in_registers<F>>* out) { \
    pack_units<in_registers<F>, recipe::recipe_name##_t, what, 2>(in, scale, scales, out);      \
  }

ROW(NVFP4, NVFP4, transformer_engine, blocks)
ROW(NVFP4, NVFP4, vllm, blocks)
ROW(NVFP4, NVFP4, modelopt, blocks)
ROW(MXFP4, MXFP4, rceil, blocks)
ROW(MXFP6_E2M3, MXFP6_E2M3, rceil, blocks)
ROW(MXFP8_E4M3, MXFP8_E4M3, rceil, blocks)
ROW(FP8_E4M3_1x128, FP8_E4M3_1x128, amax, blocks)
ROW(FP8_E4M3_1x128, FP8_E4M3_1x128, vllm, blocks)
ROW(FP8_E4M3, FP8_E4M3, amax, codes)
ROW(INT8_G128, INT8_G128, amax, blocks)
ROW(INT8, INT8, amax, codes)
ROW(INT4_G32, INT4_G32, amax, blocks)
ROW(NF4, NF4, bitsandbytes, blocks)
