// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <nvq/formats.hpp>
#include <nvq/metrics.hpp>
#include <utility>
#include <vector>

#include "quality/densities.hpp"
#include "support/catch.hpp"

// The SQNR of formats and recipes on independent samples. The expected figures were computed outside this
// library, from 2^24 samples of the same three generators; where an amax decides they agree with an integral
// over the density to 0.003 dB.
//
// Here 2^22 samples do: of 2^20, the sample itself is up to 0.04 dB off (MXFP8 with clipping), and then
// nothing is left of a tolerance of 0.02 dB. The Gaussian and Laplace samples are the ones that the figures
// are of, which their amax confirms (generators.cpp); those of Student's t are independent of them, because
// in which order its normal values are to be drawn is not known.

namespace quality {

constexpr std::size_t default_count = std::size_t{1} << 22;
constexpr std::int64_t columns = 4096;

/// The amax of 2^24 samples, for rows that depend on it; 0 where it is not known.
constexpr float gaussian_amax = 5.86670f, laplace_amax = 12.84451f;

struct Density {
  const char* name;
  std::vector<float> values;
  float amax;
};

/// 0: Gaussian, 1: Laplace, 2: Student's t.
inline const Density& density(std::size_t which, std::size_t n) {
  static std::map<std::pair<std::size_t, std::size_t>, Density> made;
  Density& d = made[{which, n}];
  if (d.values.empty()) {
    if (which == 0) d = {"Gaussian", gaussian(n), gaussian_amax};
    if (which == 1) d = {"Laplace", laplace(n), laplace_amax};
    if (which == 2) d = {"Student t5", student_t5(n), 0.0f};
  }
  return d;
}

inline constexpr double unchecked = std::numeric_limits<double>::quiet_NaN();

/// Decibels per density.
struct Expected {
  double gaussian, laplace, t5;
};

struct RowOptions {
  double tolerance = 0.02;
  bool stochastic = false;
  bool known_amax = false;  ///< encode against the amax of the 2^24 samples
};

template <class F, class R>
void check_row(R recipe, Expected expected, RowOptions row = {}, std::size_t n = default_count) {
  const double wanted[] = {expected.gaussian, expected.laplace, expected.t5};
  for (std::size_t i = 0; i < 3; ++i) {
    if (std::isnan(wanted[i])) continue;
    const Density& d = density(i, n);
    nvq::encode_options options;
    options.stochastic = row.stochastic;
    options.seed = 5;
    if (row.known_amax && d.amax > 0) options.amax = d.amax;
    const auto q = nvq::quantize<F>(d.values, {d.values.size() / columns, columns}, recipe, options);
    const double measured = nvq::sqnr_db(d.values, nvq::dequantize<float>(q));
    INFO(nvq::format_name<F> << " " << R::name() << ", " << d.name << ": " << measured << " dB, expected "
                             << wanted[i]);
    CHECK(std::fabs(measured - wanted[i]) <= row.tolerance);
  }
}

}  // namespace quality
