// SPDX-License-Identifier: Apache-2.0
// expect: nvq: biased values are of E2M1 and E4M3, in half2 or bfloat162
#include <nvq/cuda/thread.cuh>

#include <cstdint>

using half2 = nvq::cuda::pair<nvq::half>;
int bias();
int bias() {
#ifdef NVQ_CORRECT
  return nvq::cuda::unpack_bias<nvq::NVFP4, half2>;
#else
  return nvq::cuda::unpack_bias<nvq::INT4_G128, half2>;
#endif
}
