// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <nvq/config.hpp>
#include <nvq/float16.hpp>
#include <nvq/tensor.hpp>

NVQ_BEGIN_NAMESPACE

/// Signal to quantization noise ratio in decibels: 10 log10(sum x^2 / sum (x - y)^2), +infinity when x equals
/// y; NaN when the sizes differ. Accumulated in double in order of index.
template <class A, class B>
double sqnr_db(const A& reference, const B& decoded) {
  if (reference.size() != decoded.size()) return std::numeric_limits<double>::quiet_NaN();
  double signal = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double x = static_cast<double>(to_float(reference[i])),
                 d = x - static_cast<double>(to_float(decoded[i]));
    signal += x * x;
    noise += d * d;
  }
  return noise == 0.0 ? std::numeric_limits<double>::infinity() : 10.0 * std::log10(signal / noise);
}

NVQ_END_NAMESPACE
