// SPDX-License-Identifier: Apache-2.0
// How do I quantize inside a kernel of mine? An RMSNorm that writes NVFP4; the kernel is in rmsnorm_nvfp4.cuh.
//
//   nvcc -std=c++17 -O3 -I include -arch=sm_90a examples/cuda/rmsnorm_nvfp4.cu -o rmsnorm_nvfp4 && ./rmsnorm_nvfp4
//
// sm_80 and above; of Blackwell the targets with FP4 conversions: sm_100a, sm_103a, sm_120a, sm_121a.
#include <cmath>
#include <cstdio>
#include <nvq/cuda/launch.cuh>
#include <nvq/nvq.hpp>
#include <vector>

#include "device.cuh"
#include "rmsnorm_nvfp4.cuh"

namespace {

std::vector<nvq::bfloat16> normalized(const std::vector<nvq::bfloat16>& x,
                                      const std::vector<nvq::bfloat16>& gain, std::size_t rows,
                                      std::size_t columns, float epsilon) {
  std::vector<nvq::bfloat16> y(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      const double v = static_cast<double>(nvq::to_float(x[r * columns + c]));
      squares += v * v;
    }
    const float mean = static_cast<float>(squares / static_cast<double>(columns));
    const float factor = 1.0f / std::sqrt(mean + epsilon);
    for (std::size_t c = 0; c < columns; ++c)
      y[r * columns + c] = nvq::bfloat16(nvq::to_float(x[r * columns + c]) * factor * nvq::to_float(gain[c]));
  }
  return y;
}

}  // namespace

int main() {
  if (!example::has_gpu()) return 0;
  const std::size_t rows = 500, columns = 4096;
  const float epsilon = 1e-5f;
  // Small integers: the sum of their squares is exact, on the device as here.
  std::vector<nvq::bfloat16> x(rows * columns), gain(columns);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = nvq::bfloat16(static_cast<float>(nvq::random_bits(1, i) % 33) - 16.0f);
  for (std::size_t i = 0; i < columns; ++i)
    gain[i] = nvq::bfloat16(static_cast<float>(nvq::random_bits(2, i) % 64) / 32.0f);
  const auto y = normalized(x, gain, rows, columns, epsilon);
  const auto want = nvq::quantize<nvq::NVFP4>(y, {rows, columns});

  const nvq::layout::Blocked128x4 layout(nvq::shape2d(rows, columns / 16));
  const auto device_x = example::device_array<nvq::bfloat16>::copy_of(x);
  const auto device_gain = example::device_array<nvq::bfloat16>::copy_of(gain);
  const auto amax = example::device_array<float>::copy_of(std::vector<float>{nvq::amax(y)});
  const example::device_array<std::uint8_t> codes(rows * columns / 2),
      scales(static_cast<std::size_t>(layout.bytes()));
  const example::rmsnorm_nvfp4 kernel{rows,    columns,     columns,      device_x.data(), device_gain.data(),
                                      epsilon, amax.data(), codes.data(), scales.data()};
  const float time = example::microseconds([&] {
    example::check(nvq::cuda::launch(kernel, kernel.grid(4096), kernel.threads, nullptr), "rmsnorm_nvfp4");
  });

  const auto got_codes = codes.to_host(), got_scales = scales.to_host();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < got_codes.size(); ++i) wrong += got_codes[i] != want.codes()[i];
  for (std::int64_t r = 0; r < layout.rows(); ++r)
    for (std::int64_t c = 0; c < layout.columns(); ++c)
      wrong += got_scales[static_cast<std::size_t>(layout.offset(r, c))] !=
               want.scales()[static_cast<std::size_t>(r * layout.columns() + c)];
  std::printf("RMSNorm + NVFP4, %zu x %zu: %s, %zu bytes differ from the host's; %.1f us\n", rows, columns,
              wrong == 0 ? "ok" : "WRONG", wrong, static_cast<double>(time));
  return wrong == 0 ? 0 : 1;
}
