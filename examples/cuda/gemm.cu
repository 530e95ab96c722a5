// SPDX-License-Identifier: Apache-2.0
// How do I multiply a quantized weight with a batch of 16 to 128 tokens? The kernel is in gemm.cuh.
//
//   nvcc -std=c++17 -O3 -I include -arch=native examples/cuda/gemm.cu -o gemm && ./gemm
//
// sm_80 and above.
#include <cstdio>
#include <nvq/cuda/launch.cuh>
#include <vector>

#include "gemm.cuh"
#include "linear.cuh"

namespace {

template <class F, unsigned Columns>
bool run(const char* name, int batch) {
  const std::int64_t n = 4096, k = 4096;
  const unsigned splits = 8;  // 32 blocks of rows * 8: two for each of a large GPU's multiprocessors
  const example::linear<F> layer(n, k);
  const auto x = example::random_values(batch * k, 2);
  const auto device_x = example::device_array<nvq::bfloat16>::copy_of(x);
  const example::device_array<nvq::bfloat16> y(static_cast<std::size_t>(batch * n));
  const example::device_array<float> parts(splits * y.size());
  const example::gemm<F, Columns> kernel{layer.view(), device_x.data(), parts.data(), batch, splits};
  const example::gemm_finish<F> finish{layer.view(), parts.data(), y.data(), batch, splits};
  const float time = example::microseconds([&] {
    example::check(nvq::cuda::launch(kernel, kernel.grid(n, batch, splits), kernel.threads, nullptr), "gemm");
    example::check(nvq::cuda::launch(finish, finish.grid(n, batch), finish.threads, nullptr), "gemm_finish");
  });
  const double error = layer.error(x, y.to_host(), batch);
  const bool right = error < 1.0 / 256;
  std::printf("%-12s %lld x %lld, batch %3d: %s, error %.1e; %.1f us\n", name, static_cast<long long>(n),
              static_cast<long long>(k), batch, right ? "ok" : "WRONG", error, static_cast<double>(time));
  return right;
}

template <class F>
bool run_batches(const char* name) {
  bool right = run<F, 16>(name, 16);
  right &= run<F, 32>(name, 32);
  right &= run<F, 64>(name, 64);
  right &= run<F, 64>(name, 128);
  return right;
}

}  // namespace

int main() {
  if (!example::has_gpu()) return 0;
  bool right = run_batches<nvq::NVFP4>("NVFP4");
  right &= run_batches<nvq::MXFP4>("MXFP4");
  right &= run_batches<nvq::FP8_E4M3_Row>("FP8_E4M3_Row");
  right &= run_batches<nvq::INT4_G128>("INT4_G128");
  return right ? 0 : 1;
}
