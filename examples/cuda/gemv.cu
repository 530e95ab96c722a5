// SPDX-License-Identifier: Apache-2.0
// How do I multiply a quantized weight with a few tokens (decoding)? The kernel is in gemv.cuh.
//
//   nvcc -std=c++17 -O3 -I include -arch=native examples/cuda/gemv.cu -o gemv && ./gemv
//
// sm_80 and above.
#include <cstdio>
#include <nvq/cuda/launch.cuh>
#include <vector>

#include "gemv.cuh"
#include "linear.cuh"

namespace {

template <class F>
bool run(const char* name) {
  const std::int64_t n = 4096, k = 4096;
  const int batch = 3;
  const example::linear<F> layer(n, k);
  const auto x = example::random_values(batch * k, 2);
  const auto device_x = example::device_array<nvq::bfloat16>::copy_of(x);
  const example::device_array<nvq::bfloat16> y(static_cast<std::size_t>(batch * n));
  const example::gemv<F> kernel{layer.view(), device_x.data(), y.data(), batch};
  const float time = example::microseconds(
      [&] { example::check(nvq::cuda::launch(kernel, kernel.grid(n), kernel.threads, nullptr), "gemv"); });
  const double error = layer.error(x, y.to_host(), batch);
  const bool right = error < 1.0 / 256;
  std::printf(
      "%-12s %lld x %lld, batch %d: %s, error %.1e; %.1f us, %.0f GB/s of weights (in the L2 cache)\n", name,
      static_cast<long long>(n), static_cast<long long>(k), batch, right ? "ok" : "WRONG", error,
      static_cast<double>(time), layer.megabytes() / static_cast<double>(time) * 1e3);
  return right;
}

}  // namespace

int main() {
  if (!example::has_gpu()) return 0;
  bool right = run<nvq::NVFP4>("NVFP4");
  right &= run<nvq::MXFP4>("MXFP4");
  right &= run<nvq::FP8_E4M3>("FP8_E4M3");
  right &= run<nvq::FP8_E4M3_Row>("FP8_E4M3_Row");
  right &= run<nvq::INT4_G128>("INT4_G128");
  right &= run<nvq::INT4_G128_ZP>("INT4_G128_ZP");
  return right ? 0 : 1;
}
