// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "quality/densities.hpp"

// What searching recipes are judged by: tables and loops in double, none of them the library's.

namespace quality {

/// Scale code 0 ... 126 of OCP E4M3.
inline double e4m3(int code) {
  const int exponent = code >> 3, mantissa = code & 7;
  return exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
}

/// |x - nearest E2M1 value|, x in units of the scale.
inline double e2m1_distance(double x) {
  static const double values[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  const double a = std::fabs(x);
  double least = std::numeric_limits<double>::infinity();
  for (const double v : values) least = std::fmin(least, std::fabs(a - v));
  return least;
}

enum class Norm { squared, absolute };

/// The error of a block whose values are rounded to E2M1 times `step`.
inline double e2m1_error(const float* x, int n, double step, Norm norm = Norm::squared) {
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double v = static_cast<double>(x[i]);
    const double d = step == 0 ? std::fabs(v) : e2m1_distance(v / step) * step;
    sum += norm == Norm::squared ? d * d : d;
  }
  return sum;
}

/// The error of decoded values.
inline double decoded_error(const float* x, const float* y, int n, Norm norm = Norm::squared) {
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double d = std::fabs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
    sum += norm == Norm::squared ? d * d : d;
  }
  return sum;
}

struct Kind {
  std::string name;
  std::vector<float> values;
};

/// `blocks` blocks of n values of every kind that might mislead a search.
inline std::vector<Kind> adversarial(int n, int blocks) {
  std::vector<Kind> kinds;
  Xoshiro random(7);
  const auto add = [&](const char* name, auto value) {
    Kind k{name, {}};
    for (int b = 0; b < blocks; ++b) {
      const double size = std::exp2(8 * random.uniform() - 4), free = random.uniform();
      for (int i = 0; i < n; ++i) {
        const double sign = random.next() >> 63 ? -1 : 1;
        k.values.push_back(static_cast<float>(sign * size * value(i, free)));
      }
    }
    kinds.push_back(std::move(k));
  };
  const auto uniform = [&] { return random.uniform(); };
  add("all equal", [](int, double) { return 1.0; });
  add("one outlier, the rest equal", [](int i, double f) { return i == 0 ? 1.0 : f; });
  add("one outlier, the rest small", [&](int i, double f) { return i == 0 ? 1.0 : 0.2 * f * uniform(); });
  add("one outlier, the rest near the first midpoint",
      [&](int i, double f) { return i == 0 ? 1.0 : (0.2 + 0.6 * f) / 6.0 * (1 + 0.02 * uniform()); });
  add("two values", [](int i, double f) { return i % 2 == 0 ? 1.0 : f; });
  add("a ramp", [&](int i, double) { return (i + 1.0) / n; });
  add("powers of two", [](int i, double) { return std::exp2(-i); });
  add("a geometric series", [](int i, double f) { return std::pow(0.5 + 0.5 * f, i); });
  add("E2M1 values", [&](int, double) {
    static const double v[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    return v[random.next() % 8];
  });
  add("midpoints of E2M1 values", [&](int i, double) {
    static const double v[] = {0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5};
    return i == 0 ? 6.0 : v[random.next() % 7];
  });
  add("integers to 15", [&](int, double) { return static_cast<double>(random.next() % 16); });
  add("mostly zeros", [&](int, double) { return random.next() % 8 == 0 ? uniform() : 0.0; });
  add("uniform", [&](int, double) { return uniform(); });
  add("five orders of magnitude", [&](int, double) { return std::pow(10.0, -5 * uniform()); });
  add("far below the amax", [&](int, double f) { return 1e-4 * f * uniform(); });
  return kinds;
}

}  // namespace quality
