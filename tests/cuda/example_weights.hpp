// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/nvq.hpp>
#include <random>
#include <vector>

#include "../../examples/cuda/weights.cuh"

// Quantized weights and activations of which every product and sum is exact in float, so that results do not depend
// on the order of the additions; and what comes out.

namespace example_weights {

template <class F>
struct Problem {
  std::int64_t n, k;
  int batch;
  std::vector<std::uint8_t> codes, zero_points;
  std::vector<typename F::scale_type> scales;
  float tensor_scale = F::has_tensor_scale ? 0.25f : 1.0f;
  std::vector<nvq::bfloat16> x;

  example::weight<F> weight() const {
    return {n, k, codes.data(), scales.data(), zero_points.data(), &tensor_scale};
  }

  /// x * W^T with the host's decoded values, in double; [batch, n].
  std::vector<double> product() const {
    std::vector<float> w(static_cast<std::size_t>(n * k));
    const nvq::result decoded =
        nvq::decode<F>(nvq::span<const std::uint8_t>(codes.data(), codes.size()),
                       nvq::span<const typename F::scale_type>(scales.data(), scales.size()),
                       nvq::span<const std::uint8_t>(zero_points.data(), zero_points.size()),
                       nvq::matrix_view<float>(w.data(), {n, k}), tensor_scale);
    std::vector<double> y;
    if (decoded.ec != nvq::errc::ok) return y;
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t row = 0; row < n; ++row) {
        double sum = 0;
        for (std::int64_t i = 0; i < k; ++i)
          sum += static_cast<double>(nvq::to_float(x[static_cast<std::size_t>(b * k + i)])) *
                 static_cast<double>(w[static_cast<std::size_t>(row * k + i)]);
        y.push_back(sum);
      }
    return y;
  }
};

/// The code of a power of two from 1/4 to 2; of any other E4M3 or FP16 scale where `exact` is false.
template <class S>
typename S::storage random_scale(std::mt19937& random, bool exact) {
  if (!exact && std::is_same<S, nvq::ScaleE4M3>::value)
    return static_cast<typename S::storage>(random() % 0x7F);
  const float power = nvq::exp2i(static_cast<int>(random() % 4) - 2);
  return S::encode(exact ? power : power * (1.0f + static_cast<float>(random() % 1024) / 1024.0f));
}

template <class F>
Problem<F> make(std::int64_t n, std::int64_t k, int batch, bool exact = true) {
  std::mt19937 random(static_cast<unsigned>(n * 1000 + k + batch));
  Problem<F> p{n, k, batch, {}, {}, {}, F::has_tensor_scale ? 0.25f : 1.0f, {}};
  for (std::size_t i = 0; i < F::codes_bytes(n, k); ++i) {
    auto byte = static_cast<std::uint8_t>(random());
    // Of FP8 the magnitudes from 1/2 to below 8, so that sums fit in a float.
    if (F::element::bits == 8 && !std::is_same<typename F::element, nvq::Int8>::value)
      byte = static_cast<std::uint8_t>((byte & 0x80u) | (0x30u + byte % 32u));
    p.codes.push_back(byte);
  }
  for (std::size_t i = 0; i < F::scales_count(n, k); ++i)
    p.scales.push_back(random_scale<typename F::block_scale>(random, exact));
  if (F::has_zero_point)
    for (std::size_t i = 0; i < F::blocks_count(n, k); ++i)
      p.zero_points.push_back(static_cast<std::uint8_t>(random() % 16));
  for (std::int64_t i = 0; i < batch * k; ++i)
    p.x.push_back(nvq::bfloat16(static_cast<float>(random() % 17) - 8.0f));
  return p;
}

}  // namespace example_weights
