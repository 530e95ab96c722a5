// SPDX-License-Identifier: Apache-2.0
// expect: nvq: values are float, nvq::bfloat16 or nvq::half
#include <nvq/mxfp4.hpp>

#include <vector>

#ifdef NVQ_CORRECT
using Value = float;
#else
using Value = double;
#endif

nvq::quantized<nvq::MXFP4> encoded(const std::vector<Value>& values);
nvq::quantized<nvq::MXFP4> encoded(const std::vector<Value>& values) {
  return nvq::quantize<nvq::MXFP4>(values, {1, values.size()});
}
