// SPDX-License-Identifier: Apache-2.0
// expect: nvq: kv_quantize<HeadLanes>: how many lanes share a head and its scale
#include <nvq/aliases.hpp>
#include <nvq/cuda/kv_cache.cuh>

void stored(const nvq::cuda::kv_cache<nvq::FP8_E4M3_Row>& cache, const float (&x)[16]);
void stored(const nvq::cuda::kv_cache<nvq::FP8_E4M3_Row>& cache, const float (&x)[16]) {
#ifdef NVQ_CORRECT
  nvq::cuda::kv_quantize<8>(cache, nvq::cuda::kv_slot{0, 0}, 0, 0, x);
#else
  nvq::cuda::kv_quantize(cache, nvq::cuda::kv_slot{0, 0}, 0, 0, x);
#endif
}
