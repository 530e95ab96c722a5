// SPDX-License-Identifier: Apache-2.0
// expect: nvq: pack_stochastic: this element has no encode_stochastic()
#include <nvq/cuda/thread.cuh>

#include <cstdint>

void packed(const float (&x)[64], const std::uint32_t (&random)[64]);
void packed(const float (&x)[64], const std::uint32_t (&random)[64]) {
  (void)random;
#ifdef NVQ_CORRECT
  nvq::cuda::pack<nvq::NF4>(x);
#else
  nvq::cuda::pack_stochastic<nvq::NF4>(x, {}, random);
#endif
}
