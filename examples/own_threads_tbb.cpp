// SPDX-License-Identifier: Apache-2.0
// How do I run nvq on oneTBB's threads?
//
//   c++ -std=c++17 -O2 -I include examples/own_threads_tbb.cpp -ltbb -o own_threads_tbb && ./own_threads_tbb

#include <tbb/parallel_for.h>
#include <cstddef>
#include <iostream>
#include <nvq/mxfp4.hpp>
#include <vector>

// Called within a task arena, it stays in that arena.
const auto onetbb = [](std::size_t n, auto fn) { tbb::parallel_for(std::size_t{0}, n, fn); };

int main() {
  const std::size_t rows = 1024, columns = 1024;
  std::vector<float> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(i * 37 % 1009) / 512.0f - 1.0f;

  nvq::encode_options options;
  options.executor = onetbb;
  const auto serial = nvq::quantize<nvq::MXFP4>(weight, {rows, columns});
  const auto parallel = nvq::quantize<nvq::MXFP4>(weight, {rows, columns}, {}, options);
  const bool same = serial.codes() == parallel.codes() && serial.scales() == parallel.scales();
  std::cout << (same ? "oneTBB gives the same bytes\n" : "the bytes differ\n");

  const bool decoded = nvq::dequantize<float>(parallel, onetbb) == nvq::dequantize<float>(serial);
  std::cout << (decoded ? "and the same values\n" : "the values differ\n");
}
