// SPDX-License-Identifier: Apache-2.0
// expect: nvq: this recipe does not apply to this Format
#include <nvq/mxfp4.hpp>

#include <vector>

#ifdef NVQ_CORRECT
using Recipe = nvq::recipe::rceil_t;
#else
using Recipe = nvq::recipe::modelopt_t;  // of formats with a tensor scale
#endif

std::vector<float> round_trip(const std::vector<float>& values);
std::vector<float> round_trip(const std::vector<float>& values) {
  return nvq::dequantize<float>(nvq::quantize<nvq::MXFP4>(values, {1, values.size()}, Recipe()));
}
