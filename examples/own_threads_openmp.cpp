// SPDX-License-Identifier: Apache-2.0
// How do I run nvq on OpenMP's threads?
//
//   c++ -std=c++17 -O2 -fopenmp -I include examples/own_threads_openmp.cpp -o own_threads_openmp && ./own_threads_openmp

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <nvq/mxfp4.hpp>
#include <vector>

// Signed loop variables work with every OpenMP. Tasks need about the same time each; `dynamic` helps where cores are
// busy with other things.
const auto openmp = [](std::size_t n, auto fn) {
#pragma omp parallel for schedule(dynamic)
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(n); ++i) fn(static_cast<std::size_t>(i));
};

int main() {
  const std::size_t rows = 1024, columns = 1024;
  std::vector<float> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(i * 37 % 1009) / 512.0f - 1.0f;

  nvq::encode_options options;
  options.executor = openmp;
  const auto serial = nvq::quantize<nvq::MXFP4>(weight, {rows, columns});
  const auto parallel = nvq::quantize<nvq::MXFP4>(weight, {rows, columns}, {}, options);
  const bool same = serial.codes() == parallel.codes() && serial.scales() == parallel.scales();
  std::cout << (same ? "OpenMP gives the same bytes\n" : "the bytes differ\n");

  const bool decoded = nvq::dequantize<float>(parallel, openmp) == nvq::dequantize<float>(serial);
  std::cout << (decoded ? "and the same values\n" : "the values differ\n");
}
