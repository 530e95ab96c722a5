// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <nvq/cuda/mma.cuh>

__global__ void scaled_mma(float (*d)[4], const std::uint32_t (*a)[4], const std::uint32_t (*b)[2],
                           std::uint32_t scales_a, std::uint32_t scales_b) {
  nvq::cuda::mma<nvq::NVFP4>(*d, *a, *b, scales_a, scales_b);
  nvq::cuda::mma<nvq::MXFP4, 2, 1, 0, 3>(*d, *a, *b, scales_a, scales_b);
}
