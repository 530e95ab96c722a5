// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <nvq/nvq.hpp>
#include <vector>

#include "device.cuh"
#include "weights.cuh"

// A linear layer to try gemv.cuh and gemm.cuh on.

namespace example {

/// Values between -1 and 1, many of them small.
inline std::vector<bfloat16> random_values(std::int64_t count, std::uint64_t seed) {
  std::vector<bfloat16> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<std::int32_t>(nvq::random_bits(seed, static_cast<std::uint64_t>(i)));
    const float x = static_cast<float>(bits) * nvq::exp2i(-31);
    values.push_back(bfloat16(x * x * x));
  }
  return values;
}

template <class F>
struct linear {
  std::int64_t n, k;
  nvq::quantized<F> host;
  device_array<std::uint8_t> codes, zero_points;
  device_array<typename F::scale_type> scales;
  device_array<float> tensor_scale;

  linear(std::int64_t outputs, std::int64_t inputs)
      : n(outputs),
        k(inputs),
        host(nvq::quantize<F>(random_values(n * k, 1), {n, k})),
        codes(device_array<std::uint8_t>::copy_of(host.codes())),
        zero_points(device_array<std::uint8_t>::copy_of(host.zero_points())),
        scales(device_array<typename F::scale_type>::copy_of(host.scales())),
        tensor_scale(device_array<float>::copy_of(std::vector<float>{host.tensor_scale()})) {}

  weight<F> view() const {
    return {n, k, codes.data(), scales.data(), zero_points.data(), tensor_scale.data()};
  }
  double megabytes() const {
    return static_cast<double>(codes.size() + zero_points.size() +
                               scales.size() * sizeof(typename F::scale_type)) /
           1e6;
  }

  /// How far y is from x * W^T in double over the decoded weights, at most, in units of the product of the norms of the
  /// two rows that were multiplied.
  double error(const std::vector<bfloat16>& x, const std::vector<bfloat16>& y, int batch) const {
    const std::vector<float> w = nvq::dequantize<float>(host);
    double worst = 0;
    for (std::int64_t row = 0; row < n; row += 1 + n / 97) {  // some rows
      for (int b = 0; b < batch; ++b) {
        double sum = 0, ww = 0, xx = 0;
        for (std::int64_t i = 0; i < k; ++i) {
          const double a = static_cast<double>(w[static_cast<std::size_t>(row * k + i)]);
          const double c = static_cast<double>(nvq::to_float(x[static_cast<std::size_t>(b * k + i)]));
          sum += a * c, ww += a * a, xx += c * c;
        }
        const double got = static_cast<double>(nvq::to_float(y[static_cast<std::size_t>(b * n + row)]));
        const double error = std::fabs(got - sum) / std::sqrt(ww * xx);
        if (!(error <= worst)) worst = error;
      }
    }
    return worst;
  }
};

}  // namespace example
