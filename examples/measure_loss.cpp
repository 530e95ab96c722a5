// SPDX-License-Identifier: Apache-2.0
// How much does a weight lose, and which recipe loses least?
//
//   c++ -std=c++17 -O2 -I include examples/measure_loss.cpp -o measure_loss && ./measure_loss

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <nvq/metrics.hpp>
#include <nvq/mxfp4.hpp>
#include <nvq/nvfp4.hpp>
#include <vector>

using Weight = std::vector<float>;

template <class F, class Recipe>
void report(const char* name, const Weight& weight, nvq::shape2d shape, Recipe recipe) {
  const auto q = nvq::quantize<F>(weight, shape, recipe);
  const nvq::quantization_errors<F> e = nvq::measure(weight, q);
  std::printf("%-28s %6.2f %7.2f %8d %8d %10d\n", name, e.sqnr_db(), e.worst_sqnr_db(),
              static_cast<int>(e.clipped), static_cast<int>(e.flushed), static_cast<int>(e.scales.saturated));
}

int main() {
  const std::size_t rows = 256, columns = 512;
  Weight weight(rows * columns);
  std::uint32_t h = 1;
  for (float& w : weight) {  // sums of four random bytes, nearly normal; one in 4096 is an outlier
    h ^= h << 13, h ^= h >> 17, h ^= h << 5;
    w = (static_cast<float>((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24)) - 510.0f) / 8192.0f;
    if (h % 4096 == 0) w *= 20.0f;
  }

  std::printf("%-28s %6s %7s %8s %8s %10s\n", "", "dB", "worst", "clipped", "flushed", "scale max");
  const nvq::shape2d shape(rows, columns);
  report<nvq::NVFP4>("NVFP4 transformer_engine", weight, shape, nvq::recipe::transformer_engine);
  report<nvq::NVFP4>("NVFP4 modelopt", weight, shape, nvq::recipe::modelopt);
  report<nvq::NVFP4>("NVFP4 four_over_six", weight, shape, nvq::recipe::four_over_six);
  report<nvq::NVFP4>("NVFP4 mse", weight, shape, nvq::recipe::mse);
  report<nvq::MXFP4>("MXFP4 ocp_floor", weight, shape, nvq::recipe::ocp_floor);
  report<nvq::MXFP4>("MXFP4 rceil", weight, shape, nvq::recipe::rceil);
  report<nvq::MXFP4>("MXFP4 mse", weight, shape, nvq::recipe::mse);

  // Between decoded values of any origin, such as two engines' outputs: the figures of values alone.
  const nvq::error_sums e =
      nvq::measure(weight, nvq::dequantize<nvq::bfloat16>(nvq::quantize<nvq::NVFP4>(weight, shape)));
  std::printf("\nNVFP4 decoded to bfloat16: %.2f dB, cosine %.4f, largest error %.5f\n", e.sqnr_db(),
              e.cosine(), e.max_abs_error);
}
