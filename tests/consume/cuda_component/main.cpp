// SPDX-License-Identifier: Apache-2.0
// nvq::cuda brings the headers of the CUDA Toolkit; which CUDA runtime is linked stays the user's choice.
#include <cuda_fp4.h>

#include <nvq/element.hpp>

int main() {
  const auto theirs = __nv_cvt_float_to_fp4(2.5f, __NV_E2M1, cudaRoundNearest);
  return nvq::E2M1::encode(2.5f) == theirs ? 0 : 1;
}
