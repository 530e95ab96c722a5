// SPDX-License-Identifier: Apache-2.0
// How do I multiply with quantized weights on a CPU without decoding them first?
//
//   c++ -std=c++17 -O2 -I include examples/cpu_gemv.cpp -o cpu_gemv && ./cpu_gemv

#include <cmath>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <nvq/gemv.hpp>
#include <nvq/int4.hpp>
#include <vector>

// How far off a result is, as a part of its size.
static double error(const std::vector<float>& y, const std::vector<double>& exact) {
  double off = 0, size = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double d = static_cast<double>(y[i]) - exact[i];
    off += d * d;
    size += exact[i] * exact[i];
  }
  return std::sqrt(off / size);
}

int main() {
  const std::size_t rows = 256, columns = 1024;
  std::vector<float> weight(rows * columns), x(columns), y(rows);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(i * 7919 % 10007) / 5003.0f - 1.0f;
  for (std::size_t c = 0; c < columns; ++c) x[c] = static_cast<float>(c * 271 % 997) / 498.0f - 1.0f;

  const auto w = nvq::quantize<nvq::INT4_G128>(weight, {rows, columns});

  // What the product is, with the weights as they are after quantization.
  const std::vector<float> decoded = nvq::dequantize<float>(w);
  std::vector<double> exact(rows);
  for (std::size_t i = 0; i < decoded.size(); ++i)
    exact[i / columns] += static_cast<double>(decoded[i]) * static_cast<double>(x[i % columns]);

  // y = w x. An executor may follow: the bits of y depend neither on it nor on the processor.
  if (!nvq::gemv(w, x, y)) return 1;
  std::cout << "float activations: " << (error(y, exact) < 1e-6 ? "exact but for rounding\n" : "wrong\n");

  // A batch of vectors: [batch, columns] to [batch, rows]. Each row is the bits that gemv() gives it.
  const std::size_t batch = 3;
  std::vector<float> xs, ys(batch * rows);
  for (std::size_t b = 0; b < batch; ++b) xs.insert(xs.end(), x.begin(), x.end());
  const nvq::matrix_view<const float> in(xs.data(), {batch, columns});
  if (!nvq::gemm(w, in, nvq::matrix_view<float>(ys.data(), {batch, rows}))) return 1;
  std::cout << "a batch: "
            << (std::vector<float>(ys.end() - rows, ys.end()) == y ? "the same bits\n" : "other bits\n");

  // Activations rounded to int8 in blocks of 32: faster, and as exact as eight bits are.
  if (!nvq::gemm_int8(w, in, nvq::matrix_view<float>(ys.data(), {batch, rows}))) return 1;
  ys.resize(rows);
  std::cout << "int8 activations: off by " << std::fixed << std::setprecision(1) << 100 * error(ys, exact)
            << " %\n";
}
