// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

// The samples of the SQNR table: unit variance, independent, always the same.

namespace quality {

/// xoshiro256** 1.0 (Blackman and Vigna), seeded by four outputs of splitmix64.
class Xoshiro {
 public:
  explicit Xoshiro(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15u;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
      word = z ^ (z >> 31);
    }
  }
  std::uint64_t next() {
    const std::uint64_t result = rotl(state_[1] * 5, 7) * 9, t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotl(state_[3], 45);
    return result;
  }
  /// Uniform in (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }

 private:
  static std::uint64_t rotl(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }
  std::uint64_t state_[4];
};

/// Box-Muller; both values of a pair are used.
class Normal {
 public:
  explicit Normal(std::uint64_t seed) : random_(seed) {}
  double operator()() {
    if (spare_used_) {
      constexpr double two_pi = 6.283185307179586477;
      const double u = random_.uniform(), angle = two_pi * random_.uniform();
      const double radius = std::sqrt(-2.0 * std::log(u));
      spare_ = radius * std::sin(angle);
      spare_used_ = false;
      return radius * std::cos(angle);
    }
    spare_used_ = true;
    return spare_;
  }

 private:
  Xoshiro random_;
  double spare_ = 0.0;
  bool spare_used_ = true;
};

inline std::vector<float> gaussian(std::size_t n, std::uint64_t seed = 1) {
  Normal normal(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(normal());
  return x;
}

/// By the inverse distribution function, one uniform number a value.
inline std::vector<float> laplace(std::size_t n, std::uint64_t seed = 1) {
  Xoshiro random(seed);
  std::vector<float> x(n);
  for (float& v : x) {
    const double u = random.uniform() - 0.5;
    v = static_cast<float>(-std::copysign(std::log(1.0 - 2.0 * std::fabs(u)), u) * std::sqrt(0.5));
  }
  return x;
}

/// Student's t with 5 degrees of freedom: a normal value over the root of a mean of the squares of 5 more.
inline std::vector<float> student_t5(std::size_t n, std::uint64_t seed = 1) {
  Normal normal(seed);
  std::vector<float> x(n);
  for (float& v : x) {
    const double z = normal();
    double squares = 0.0;
    for (int i = 0; i < 5; ++i) {
      const double y = normal();
      squares += y * y;
    }
    v = static_cast<float>(z / std::sqrt(squares / 5.0) * std::sqrt(0.6));
  }
  return x;
}

}  // namespace quality
