// SPDX-License-Identifier: Apache-2.0
#include "tensors.hpp"

namespace {

void run() {
  using namespace nvq;
  bench::dequantize<NVFP4>("NVFP4");
  bench::dequantize<NVFP4>("NVFP4 128x4 scales", ScaleLayout::blocked_128x4);
  bench::dequantize<MXFP4>("MXFP4");
  bench::dequantize<MXFP8_E4M3>("MXFP8_E4M3");
  bench::dequantize<FP8_E4M3_Row>("FP8_E4M3_Row");
  bench::dequantize<FP8_E4M3_1x128>("FP8_E4M3_1x128");
  bench::dequantize<FP8_E4M3_128x128>("FP8_E4M3_128x128");
  bench::dequantize<INT8_Row>("INT8_Row");
  bench::dequantize<INT4_G128>("INT4_G128");
  bench::dequantize<NF4>("NF4");
}

const bench::benchmark registered("4 dequantize", run);

}  // namespace
