// SPDX-License-Identifier: Apache-2.0
#include "tensors.hpp"

namespace {

void run() {
  using namespace nvq;
  bench::quantize<MXFP4>("MXFP4 rceil", recipe::rceil);
  bench::quantize<MXFP8_E4M3>("MXFP8_E4M3 rceil", recipe::rceil);
  bench::quantize<FP8_E4M3>("FP8_E4M3 amax", recipe::amax);
  bench::quantize<FP8_E4M3_Row>("FP8_E4M3_Row amax", recipe::amax);
  bench::quantize<FP8_E4M3_1x128>("FP8_E4M3_1x128 deepseek", recipe::deepseek);
  bench::quantize<FP8_E4M3_128x128>("FP8_E4M3_128x128 deepseek", recipe::deepseek);
  bench::quantize<INT8_Row>("INT8_Row amax", recipe::amax);
  bench::quantize<INT4_G128>("INT4_G128 amax", recipe::amax);
  bench::quantize<NF4>("NF4 bitsandbytes", recipe::bitsandbytes);
}

const bench::benchmark registered("3 quantize others", run);

}  // namespace
