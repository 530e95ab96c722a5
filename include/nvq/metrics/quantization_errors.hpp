// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <nvq/arithmetic.hpp>
#include <nvq/bit.hpp>
#include <nvq/config.hpp>
#include <nvq/format.hpp>
#include <nvq/metrics/error_sums.hpp>
#include <type_traits>

NVQ_BEGIN_NAMESPACE

/// Blocks by their SQNR, in bins of 1 dB.
struct sqnr_histogram {
  static constexpr int lowest_db = -10;
  static constexpr int highest_db = 60;
  static constexpr int size = highest_db - lowest_db + 2;

  /// count[0]: below -10 dB, or not a number. count[i]: from i - 11 to below i - 10 dB. count[71]: from 60 dB
  /// on, blocks without noise among them.
  std::int64_t count[size] = {};

  /// The bin of a block. No logarithm, so that a block on a boundary has the same bin on every machine.
  static int bin(double signal, double noise) noexcept {
    if (noise == 0.0) return size - 1;
    const double ratio = signal / noise;
    int low = 0, high = size - 1;  // edge(0) is -infinity, edge(i) is lowest_db + i - 1
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (ratio >= power_ratio(lowest_db + middle - 1))
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }
  void add(double signal, double noise) noexcept { ++count[bin(signal, noise)]; }
  void merge(const sqnr_histogram& other) noexcept {
    for (int i = 0; i < size; ++i) count[i] += other.count[i];
  }

  /// 10^(db / 10) for db in [-10, 60].
  static double power_ratio(int db) noexcept {
    constexpr double tenths[] = {1.0,
                                 1.2589254117941673,
                                 1.5848931924611134,
                                 1.9952623149688795,
                                 2.5118864315095801,
                                 3.1622776601683795,
                                 3.9810717055349727,
                                 5.0118723362727229,
                                 6.3095734448019325,
                                 7.9432823472428149};
    constexpr double tens[] = {0.1, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6};
    const int from_lowest = db - lowest_db;
    return mul_rn(tenths[from_lowest % 10], tens[from_lowest / 10]);
  }
};

/// How the block scales of a format are used.
template <class F>
struct scale_histogram {
  /// Scales of one byte are counted code by code; of wider ones only what follows.
  static constexpr bool has_codes =
      std::is_integral<typename F::scale_code>::value && sizeof(typename F::scale_code) == 1;

  std::int64_t zero = 0;
  std::int64_t smallest = 0;   ///< the smallest positive scale
  std::int64_t saturated = 0;  ///< the largest scale, of either sign
  std::int64_t nan = 0;
  std::int64_t code[has_codes ? 256 : 1] = {};

  void add(typename F::scale_code scale) noexcept {
    const float s = abs(value(scale));
    zero += s == 0.0f ? 1 : 0;
    smallest += s == F::block_scale::min_positive() ? 1 : 0;
    saturated += s == F::block_scale::largest() ? 1 : 0;
    nan += is_nan(s) ? 1 : 0;
    if constexpr (has_codes) ++code[scale];
  }
  void merge(const scale_histogram& other) noexcept {
    zero += other.zero;
    smallest += other.smallest;
    saturated += other.saturated;
    nan += other.nan;
    if constexpr (has_codes)
      for (int i = 0; i < 256; ++i) code[i] += other.code[i];
  }

  static float value(typename F::scale_code scale) noexcept {
    if constexpr (F::has_zero_point)
      return F::block_scale::decode(scale.scale);
    else
      return F::block_scale::decode(scale);
  }
};

/// The errors of a quantized matrix: those of its values, and what its blocks and their scales look like.
/// Made by measure(); parts measured one range of rows at a time are merged in order of rows.
template <class F>
struct quantization_errors : error_sums {
  std::int64_t clipped = 0;  ///< values beyond the largest (lowest) code times the scale they decode under
  std::int64_t blocks = 0;
  std::int64_t worst_block = -1;  ///< the block of least SQNR, row-major in the grid; the first of equals
  double worst_signal = 0.0;      ///< its signal and noise
  double worst_noise = 0.0;
  sqnr_histogram histogram;
  scale_histogram<F> scales;

  quantization_errors() = default;
  explicit quantization_errors(float amax) noexcept : error_sums(amax) {}
  static quantization_errors refused(errc ec) noexcept {
    quantization_errors e;
    e.ec = ec;
    return e;
  }

  /// Adds the next block: the sums and the clipped count of its values, and its scale.
  void add_block(const error_sums& values, std::int64_t beyond, typename F::scale_code scale) noexcept {
    error_sums::merge(values);
    clipped += beyond;
    keep_worse(blocks, values.signal, values.noise);
    ++blocks;
    histogram.add(values.signal, values.noise);
    scales.add(scale);
  }
  /// Adds the blocks that come after.
  void merge(const quantization_errors& next) noexcept {
    error_sums::merge(next);
    clipped += next.clipped;
    if (next.worst_block >= 0) keep_worse(blocks + next.worst_block, next.worst_signal, next.worst_noise);
    blocks += next.blocks;
    histogram.merge(next.histogram);
    scales.merge(next.scales);
  }

  /// The SQNR of the worst block in decibels.
  double worst_sqnr_db() const noexcept {
    error_sums e;
    e.signal = worst_signal;
    e.noise = worst_noise;
    return e.sqnr_db();
  }

 private:
  // A block that is not a number is worse than any other.
  static double rank(double block_signal, double block_noise) noexcept {
    if (block_noise == 0.0) return std::numeric_limits<double>::infinity();
    const double snr = block_signal / block_noise;
    return snr >= 0.0 ? snr : -1.0;
  }
  void keep_worse(std::int64_t block, double block_signal, double block_noise) noexcept {
    if (worst_block >= 0 && !(rank(block_signal, block_noise) < rank(worst_signal, worst_noise))) return;
    worst_block = block;
    worst_signal = block_signal;
    worst_noise = block_noise;
  }
};

NVQ_END_NAMESPACE
