// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/status.hpp>

NVQ_BEGIN_NAMESPACE

/// How far decoded values are from their originals, as sums that can be gathered in parts: add() pairs to one
/// per range of rows, merge() them in order, and the figures are those of the whole.
///
/// Sums are double; of float inputs every square and product is exact or rounded once, never contracted, so
/// that the same calls in the same order give the same sums on every machine. The figures in decibels take
/// the C library's logarithm, whose last bit is its own. NaN and infinities enter the figures as arithmetic
/// has it; not_finite says whether there were any.
struct error_sums {
  std::int64_t count = 0;
  std::int64_t flushed = 0;     ///< values other than 0 that became 0
  std::int64_t not_finite = 0;  ///< pairs of which one is a NaN or an infinity
  double signal = 0.0;          ///< sum of x^2, x the original
  double noise = 0.0;           ///< sum of (x - y)^2, y the decoded value
  double decoded = 0.0;         ///< sum of y^2
  double product = 0.0;         ///< sum of x * y
  double max_abs_error = 0.0;   ///< largest |x - y|
  double max_rel_error = 0.0;   ///< largest |x - y| / max(|x|, 2^-20 * amax)
  double rel_floor = 0.0;       ///< 2^-20 * amax
  errc ec = errc::ok;           ///< why nothing was measured; the figures are NaN then

  error_sums() = default;
  /// `amax`: the largest magnitude of the whole tensor. Values below 2^-20 of it count as that in the
  /// relative error, which would otherwise be 1 wherever a small value becomes 0. Without it, so they do.
  explicit error_sums(float amax) noexcept : rel_floor(static_cast<double>(amax) * 0x1p-20) {}
  static error_sums refused(errc ec) noexcept {
    error_sums e;
    e.ec = ec;
    return e;
  }

  void add(float original, float decoded_value) noexcept {
    const double x = static_cast<double>(original), y = static_cast<double>(decoded_value), d = x - y;
    ++count;
    flushed += original != 0.0f && decoded_value == 0.0f ? 1 : 0;
    not_finite += is_finite(original) && is_finite(decoded_value) ? 0 : 1;
    // Products of two floats are exact in double; the square of their difference is not.
    signal += x * x;
    decoded += y * y;
    product += x * y;
    noise += mul_rn(d, d);
    const double distance = std::fabs(d);
    keep_larger(max_abs_error, distance);
    const double magnitude = std::fabs(x), base = magnitude > rel_floor ? magnitude : rel_floor;
    // A division for every value would cost more than all the rest.
    if (d != 0.0 && !(distance <= 0.999 * max_rel_error * base)) keep_larger(max_rel_error, distance / base);
  }

  /// Adds what comes after.
  void merge(const error_sums& next) noexcept {
    count += next.count;
    flushed += next.flushed;
    not_finite += next.not_finite;
    signal += next.signal;
    noise += next.noise;
    decoded += next.decoded;
    product += next.product;
    keep_larger(max_abs_error, next.max_abs_error);
    keep_larger(max_rel_error, next.max_rel_error);
    if (ec == errc::ok) ec = next.ec;
  }

  /// Mean squared error; 0 for no values.
  double mse() const noexcept { return ratio(noise, static_cast<double>(count)); }
  /// Noise over signal, 10^(-SQNR / 10).
  double nmse() const noexcept { return ratio(noise, signal); }
  /// Signal to quantization noise ratio, 10 log10(signal / noise) decibels; +infinity where there is no
  /// noise.
  double sqnr_db() const noexcept {
    if (ec != errc::ok) return std::numeric_limits<double>::quiet_NaN();
    return noise == 0.0 ? std::numeric_limits<double>::infinity() : 10.0 * std::log10(signal / noise);
  }
  /// Cosine of the angle between originals and decoded values; 1 where there is no noise, 0 where only one
  /// of the two is all zero.
  double cosine() const noexcept {
    if (ec != errc::ok) return std::numeric_limits<double>::quiet_NaN();
    if (noise == 0.0) return 1.0;
    if (signal == 0.0 || decoded == 0.0) return 0.0;
    return product / (std::sqrt(signal) * std::sqrt(decoded));
  }

 private:
  // Once a NaN, always a NaN.
  static void keep_larger(double& most, double value) noexcept {
    if (value > most || value != value) most = value;
  }
  double ratio(double a, double b) const noexcept {
    if (ec != errc::ok) return std::numeric_limits<double>::quiet_NaN();
    return a == 0.0 ? 0.0 : a / b;
  }
};

NVQ_END_NAMESPACE
