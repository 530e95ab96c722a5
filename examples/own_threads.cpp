// SPDX-License-Identifier: Apache-2.0
// How do I run nvq on my own threads?
//
//   c++ -std=c++17 -O2 -pthread -I include examples/own_threads.cpp -o own_threads && ./own_threads

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <iostream>
#include <nvq/nvfp4.hpp>
#include <thread>
#include <vector>

// nvq starts no threads. It takes any callable exec(n, fn) that calls fn(i) once for every i in [0, n), in
// any order and on any threads, and returns when all calls have. Engines forward to their pool; this one
// starts threads for each call.
struct Threads {
  unsigned count;

  template <class Fn>
  void operator()(std::size_t n, Fn fn) const {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < n; i = next++) fn(i);
    };
    std::vector<std::thread> threads;
    for (unsigned t = 1; t < count && t < n; ++t) threads.emplace_back(work);
    work();
    for (std::thread& t : threads) t.join();
  }
};

// Programs without threads of their own take nvq::thread_pool (nvq/thread_pool.hpp); own_threads_openmp.cpp and
// own_threads_tbb.cpp have those two.

int main() {
  const std::size_t rows = 1024, columns = 1024;
  std::vector<float> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(i * 37 % 1009) / 512.0f - 1.0f;

  Threads threads{std::max(2u, std::thread::hardware_concurrency())};
  nvq::encode_options options;
  options.executor = threads;  // refers to it: keep it alive for the call
  const auto serial = nvq::quantize<nvq::NVFP4>(weight, {rows, columns});
  const auto parallel = nvq::quantize<nvq::NVFP4>(weight, {rows, columns}, {}, options);
  const bool same = serial.codes() == parallel.codes() && serial.scales() == parallel.scales() &&
                    serial.tensor_scale() == parallel.tensor_scale();
  std::cout << (same ? "the bytes do not depend on the threads\n" : "the bytes differ\n");

  // dequantize(), decode() and amax() take an executor directly.
  const bool decoded = nvq::dequantize<float>(parallel, threads) == nvq::dequantize<float>(serial) &&
                       nvq::amax(weight, nvq::NaN::ignore, threads) == nvq::amax(weight);
  std::cout << (decoded ? "nor do decoded values\n" : "decoded values differ\n");
}
