// SPDX-License-Identifier: Apache-2.0
// The vendor's pairs hold the values that the library's do, in optimised host code, too.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <nvq/cuda/thread.cuh>

namespace {

template <class Pair>
bool same(Pair (*make)(float, float)) {
  float x[16];
  Pair pairs[8];
  for (int i = 0; i < 16; ++i) x[i] = static_cast<float>(i % 2 == 0 ? i : -i) * 0.25f;
  for (int i = 0; i < 8; ++i) pairs[i] = make(x[2 * i], x[2 * i + 1]);
  const auto scales = nvq::tensor_scales<nvq::NVFP4>(4.0f);
  const auto a = nvq::cuda::pack<nvq::NVFP4>(x, scales), b = nvq::cuda::pack<nvq::NVFP4>(pairs, scales);

  float values[16];
  Pair unpacked[8];
  nvq::cuda::unpack<nvq::NVFP4>(a.codes, a.scale, values);
  nvq::cuda::unpack<nvq::NVFP4>(a.codes, a.scale, unpacked);
  bool equal = a.codes == b.codes && a.scale == b.scale && a.codes != 0;
  for (int i = 0; i < 8; ++i)
    equal = equal && static_cast<float>(unpacked[i].x) == values[2 * i] &&
            static_cast<float>(unpacked[i].y) == values[2 * i + 1];
  return equal;
}

}  // namespace

int main() {
  return same<__half2>([](float a, float b) { return __floats2half2_rn(a, b); }) &&
                 same<__nv_bfloat162>([](float a, float b) { return __floats2bfloat162_rn(a, b); })
             ? 0
             : 1;
}
