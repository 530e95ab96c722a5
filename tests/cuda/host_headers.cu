// SPDX-License-Identifier: Apache-2.0
// Every host header in a CUDA source, and a whole tensor on the host.
#include <nvq/layout.hpp>
#include <nvq/nvq.hpp>

#include <vector>

int main() {
  const std::vector<float> values(64, 1.0f);
  return nvq::dequantize<float>(nvq::quantize<nvq::NVFP4>(values, {2, 32})).size() == values.size() ? 0 : 1;
}
