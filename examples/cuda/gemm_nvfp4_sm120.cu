// SPDX-License-Identifier: Apache-2.0
// How do I multiply two NVFP4 matrices on the FP4 tensor cores of a GeForce of the 50 series or a DGX Spark? The kernel
// is in gemm_nvfp4_sm120.cuh.
//
//   nvcc -std=c++17 -O3 -I include -arch=sm_121a examples/cuda/gemm_nvfp4_sm120.cu -o gemm_nvfp4 && ./gemm_nvfp4
//
// sm_120a or sm_121a.
#include <cmath>
#include <cstdio>
#include <nvq/cuda/launch.cuh>
#include <nvq/nvq.hpp>
#include <vector>

#include "device.cuh"
#include "gemm_nvfp4_sm120.cuh"

namespace {

/// A quantized matrix on the device, its scales in the layout of tensor cores.
struct operand {
  nvq::quantized<nvq::NVFP4> host;
  std::vector<std::uint8_t> blocked;
  example::device_array<std::uint8_t> codes, scales;
  example::device_array<float> tensor_scale;

  static std::vector<float> values(std::int64_t count, std::uint64_t seed) {
    std::vector<float> x;
    for (std::int64_t i = 0; i < count; ++i)
      x.push_back(static_cast<float>(
                      static_cast<std::int32_t>(nvq::random_bits(seed, static_cast<std::uint64_t>(i)))) *
                  nvq::exp2i(-31));
    return x;
  }
  static std::vector<std::uint8_t> in_blocks(const nvq::quantized<nvq::NVFP4>& q, std::int64_t rows,
                                             std::int64_t k) {
    const nvq::layout::Blocked128x4 layout(nvq::shape2d(rows, k / 16));
    std::vector<std::uint8_t> blocked(static_cast<std::size_t>(layout.bytes()), 0);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < k / 16; ++c)
        blocked[static_cast<std::size_t>(layout.offset(r, c))] =
            q.scales()[static_cast<std::size_t>(r * (k / 16) + c)];
    return blocked;
  }

  operand(std::int64_t rows, std::int64_t k, std::uint64_t seed)
      : host(nvq::quantize<nvq::NVFP4>(values(rows * k, seed), {rows, k})),
        blocked(in_blocks(host, rows, k)),
        codes(example::device_array<std::uint8_t>::copy_of(host.codes())),
        scales(example::device_array<std::uint8_t>::copy_of(blocked)),
        tensor_scale(example::device_array<float>::copy_of(std::vector<float>{host.tensor_scale()})) {}
};

}  // namespace

int main() {
  if (!example::has_gpu()) return 0;
  int device = 0;
  cudaDeviceProp properties;
  example::check(cudaGetDevice(&device), "cudaGetDevice");
  example::check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  if (properties.major != 12) {
    std::printf("%s has no block-scaled mma.sync: nothing was run\n", properties.name);
    return 0;
  }
  const std::int64_t m = 500, n = 1000, k = 2048;
  const operand a(m, k, 1), b(n, k, 2);
  const example::device_array<nvq::bfloat16> d(static_cast<std::size_t>(m * n));
  const example::gemm_nvfp4_sm120 kernel{{m, a.codes.data(), a.scales.data(), a.tensor_scale.data()},
                                         {n, b.codes.data(), b.scales.data(), b.tensor_scale.data()},
                                         k,
                                         d.data()};
  const float time = example::microseconds([&] {
    example::check(nvq::cuda::launch(kernel, kernel.grid(), kernel.threads, nullptr), "gemm_nvfp4_sm120");
  });

  const auto got = d.to_host();
  const auto x = nvq::dequantize<float>(a.host), w = nvq::dequantize<float>(b.host);
  double worst = 0;
  for (std::int64_t r = 0; r < m; r += 7)
    for (std::int64_t c = 0; c < n; c += 11) {
      double sum = 0, xx = 0, ww = 0;
      for (std::int64_t i = 0; i < k; ++i) {
        const double u = static_cast<double>(x[static_cast<std::size_t>(r * k + i)]);
        const double v = static_cast<double>(w[static_cast<std::size_t>(c * k + i)]);
        sum += u * v, xx += u * u, ww += v * v;
      }
      const double y = static_cast<double>(nvq::to_float(got[static_cast<std::size_t>(r * n + c)]));
      const double error = std::fabs(y - sum) / std::sqrt(xx * ww);
      if (!(error <= worst)) worst = error;
    }
  const bool right = worst < 1.0 / 256;
  std::printf("NVFP4 x NVFP4, %lld x %lld x %lld: %s, error %.1e; %.1f us, %.1f TFLOPS\n",
              static_cast<long long>(m), static_cast<long long>(n), static_cast<long long>(k),
              right ? "ok" : "WRONG", worst, static_cast<double>(time),
              2e-6 * static_cast<double>(m * n * k) / static_cast<double>(time));
  return right ? 0 : 1;
}
