// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "brute_force.hpp"

namespace oracle {

inline float from_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline std::uint32_t to_bits(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline const FloatSpec& half_spec() {
  static const FloatSpec spec{5, 10, 15, Specials::ieee, true, 0x7E00};
  return spec;
}
inline const FloatSpec& bfloat16_spec() {
  static const FloatSpec spec{8, 7, 127, Specials::ieee, true, 0x7FC0};
  return spec;
}

/// Every bfloat16 and every half pattern as a float, NaNs of both signs among them.
inline const std::vector<float>& all_16_bit_inputs() {
  static const std::vector<float> inputs = [] {
    std::vector<float> v;
    for (std::uint32_t i = 0; i < 65536; ++i) v.push_back(from_bits(i << 16));
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const double h = value_of(half_spec(), i);
      v.push_back(std::isnan(h) ? from_bits((i << 16) | 0x7FC00000u) : static_cast<float>(h));
    }
    return v;
  }();
  return inputs;
}

/// The floats at, just below and just above every value of an element and every midpoint of two, of both
/// signs: where encodings change.
inline std::vector<float> inputs_around(const Line& line) {
  std::vector<float> v;
  const float inf = std::numeric_limits<float>::infinity();
  const auto add = [&](double value) {
    const float x = static_cast<float>(value);
    for (const float y : {std::nextafter(x, -inf), x, std::nextafter(x, inf)}) {
      v.push_back(y);
      v.push_back(-y);
    }
  };
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    const double next = i + 1 < line.points.size() ? line.points[i + 1].value : line.beyond;
    add(line.points[i].value);
    add((line.points[i].value + next) / 2);
  }
  add(line.beyond);
  return v;
}

/// A 64-bit linear congruential generator (Knuth's MMIX), high half: inputs that are the same
/// everywhere, unlike those of the standard distributions.
class Lcg {
 public:
  explicit Lcg(std::uint64_t seed) : state_(seed) {}
  std::uint32_t bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }
  /// Uniform in [0, 1).
  double uniform() { return bits() / 4294967296.0; }
  /// About normal: the sum of twelve uniform numbers less six.
  float normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return static_cast<float>(sum);
  }

 private:
  std::uint64_t state_;
};

}  // namespace oracle
