// SPDX-License-Identifier: Apache-2.0
// expect: nvq: interleaved orders are of E2M1 and 4-bit integers
#include <nvq/cuda/thread.cuh>

#include <cstdint>

using half2 = nvq::cuda::pair<nvq::half>;
void unpacked(std::uint32_t codes, half2 (&out)[4]);
void unpacked(std::uint32_t codes, half2 (&out)[4]) {
#ifdef NVQ_CORRECT
  nvq::cuda::unpack<nvq::NF4>(codes, out);
#else
  nvq::cuda::unpack<nvq::NF4, nvq::cuda::Order::interleaved>(codes, out);
#endif
}
