// SPDX-License-Identifier: Apache-2.0
#include "compare/errors.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace app {

namespace {

/// Independent sums, since an addition has to wait for the one before it.
constexpr std::size_t lanes = 8;

struct Lanes {
  std::array<double, lanes> signal{}, noise{}, decoded{}, product{};
  std::array<float, lanes> max_error{}, amax{};
  std::array<std::int32_t, lanes> flushed{};

  void add(std::size_t lane, float original, float copy) {
    const double x = static_cast<double>(original), y = static_cast<double>(copy), d = x - y;
    signal[lane] += x * x;
    noise[lane] += d * d;
    decoded[lane] += y * y;
    product[lane] += x * y;
    const float distance = std::fabs(original - copy), magnitude = std::fabs(original);
    max_error[lane] = distance > max_error[lane] ? distance : max_error[lane];
    amax[lane] = magnitude > amax[lane] ? magnitude : amax[lane];
    flushed[lane] += original != 0.0f && copy == 0.0f ? 1 : 0;
  }

  ErrorSums sums() const {
    ErrorSums e;
    for (std::size_t i = 0; i < lanes; ++i) {
      e.signal += signal[i];
      e.noise += noise[i];
      e.decoded += decoded[i];
      e.product += product[i];
      e.max_error = std::max(e.max_error, static_cast<double>(max_error[i]));
      e.amax = std::max(e.amax, static_cast<double>(amax[i]));
      e.flushed += flushed[i];
    }
    return e;
  }
};

}  // namespace

void ErrorSums::add(const ErrorSums& next) {
  signal += next.signal;
  noise += next.noise;
  decoded += next.decoded;
  product += next.product;
  max_error = std::max(max_error, next.max_error);
  amax = std::max(amax, next.amax);
  clipped = next.clipped < 0 ? -1 : clipped + next.clipped;
  flushed += next.flushed;
  not_finite += next.not_finite;
}

void ErrorSums::store(report::TensorRecord& to) const {
  to.signal = signal;
  to.noise = noise;
  to.decoded = decoded;
  to.product = product;
  to.max_error = max_error;
  to.amax = amax;
  to.clipped = clipped;
  to.flushed = flushed;
  to.not_finite = not_finite;
}

ErrorSums errors_of(const std::vector<float>& original, const DecodedRows& copy) {
  const std::size_t count = original.size(), whole = count / lanes * lanes;
  Lanes all;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) all.add(lane, original[i + lane], copy.values[i + lane]);
  for (std::size_t i = whole; i < count; ++i) all.add(i - whole, original[i], copy.values[i]);
  ErrorSums e = all.sums();
  if (!std::isfinite(e.signal + e.decoded)) {
    Lanes finite;
    std::int64_t others = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (std::isfinite(original[i]) && std::isfinite(copy.values[i]))
        finite.add(i % lanes, original[i], copy.values[i]);
      else
        ++others;
    }
    e = finite.sums();
    e.not_finite = others;
  }
  if (copy.high.empty()) e.clipped = -1;
  if (!copy.high.empty())
    for (std::size_t i = 0; i < count; ++i)
      e.clipped += original[i] > copy.high[i] || original[i] < copy.low[i] ? 1 : 0;
  return e;
}

}  // namespace app
