// SPDX-License-Identifier: Apache-2.0
#include "tensors.hpp"

namespace {

void run() {
  using namespace nvq;
  bench::quantize<NVFP4>("NVFP4 transformer_engine", recipe::transformer_engine);
  bench::quantize<NVFP4>("NVFP4 128x4 scales", recipe::transformer_engine, ScaleLayout::blocked_128x4);
  bench::quantize<NVFP4>("NVFP4 modelopt", recipe::modelopt);
  bench::quantize<NVFP4>("NVFP4 vllm", recipe::vllm);
  bench::quantize<NVFP4>("NVFP4 four_over_six", recipe::four_over_six);
  bench::quantize<NVFP4>("NVFP4 mse", recipe::mse);
  bench::quantize<NVFP4_2D>("NVFP4_2D transformer_engine", recipe::transformer_engine);
}

const bench::benchmark registered("2 quantize NVFP4", run);

}  // namespace
