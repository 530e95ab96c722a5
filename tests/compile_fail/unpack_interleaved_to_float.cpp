// SPDX-License-Identifier: Apache-2.0
// expect: nvq: codes of a given order unpack to half2 or bfloat162
#include <nvq/cuda/thread.cuh>

#include <cstdint>

void unpacked(std::uint32_t codes, float (&four)[4], nvq::cuda::pair<nvq::half> (&eight)[4]);
void unpacked(std::uint32_t codes, float (&four)[4], nvq::cuda::pair<nvq::half> (&eight)[4]) {
  (void)four, (void)eight;
#ifdef NVQ_CORRECT
  nvq::cuda::unpack<nvq::NVFP4, nvq::cuda::Order::interleaved>(codes, eight);
#else
  nvq::cuda::unpack<nvq::NVFP4, nvq::cuda::Order::interleaved>(codes, four);
#endif
}
