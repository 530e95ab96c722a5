#include <nvq/nvfp4.hpp>

#include <cstdio>
#include <vector>

int main() {
  const std::vector<float> weights(32, 2688.0f);  // 6 * 448: NVFP4 holds it exactly
  const auto q = nvq::quantize<nvq::NVFP4>(weights, {2, 16});
  std::printf("%zu bytes of codes, %zu scales\n", q.codes().size(), q.scales().size());
  return nvq::dequantize<float>(q) == weights ? 0 : 1;
}
