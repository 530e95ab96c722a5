// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "../oracle/brute_force.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

// Encoding is monotone in the magnitude, and magnitudes are in the order of their bits. So the expected codes
// of all floats are a list of intervals of bit patterns, made from brute force at their ends.

namespace exhaustive {

struct Interval {
  std::uint32_t first, last;  ///< bits of magnitudes
  unsigned code, negative_code;
};

/// The intervals of `encode`, a function of a double, over all magnitudes from 0 to infinity: each end is
/// found by bisection.
template <class Encode>
std::vector<Interval> intervals(Encode encode) {
  const std::uint32_t infinity = 0x7F800000u;
  const auto code_at = [&](std::uint32_t bits) {
    return encode(static_cast<double>(oracle::from_bits(bits)));
  };
  const auto negative_at = [&](std::uint32_t bits) {
    return encode(-static_cast<double>(oracle::from_bits(bits)));
  };
  std::vector<Interval> list;
  for (std::uint32_t first = 0;;) {
    const unsigned code = code_at(first), negative_code = negative_at(first);
    std::uint32_t low = first, high = infinity + 1;  // code_at(low) == code, high is beyond
    while (high - low > 1) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (code_at(middle) == code && negative_at(middle) == negative_code)
        low = middle;
      else
        high = middle;
    }
    list.push_back({first, low, code, negative_code});
    if (low == infinity) return list;
    first = low + 1;
  }
}

/// Runs fn(first, last) over all patterns of [0, 2^31) on every core; fn returns how many were wrong.
template <class Fn>
std::uint64_t on_all_cores(Fn fn) {
  constexpr std::uint32_t chunk = 1u << 22;
  std::atomic<std::uint32_t> next{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < std::max(1u, std::thread::hardware_concurrency()); ++t)
    threads.emplace_back([&] {
      for (std::uint32_t i = next++; i < 0x80000000u / chunk; i = next++)
        wrong += fn(i * chunk, i * chunk + (chunk - 1));
    });
  for (std::thread& thread : threads) thread.join();
  return wrong;
}

/// How many of the 2^32 floats `actual` encodes otherwise than `list`, and every NaN otherwise than nan_code.
template <class Actual>
std::uint64_t count_wrong(const std::vector<Interval>& list, unsigned nan_code, Actual actual) {
  return on_all_cores([&](std::uint32_t first, std::uint32_t last) {
    std::uint64_t wrong = 0;
    for (const Interval& i : list) {
      if (i.last < first || i.first > last) continue;
      const std::uint32_t end = std::min(i.last, last);
      for (std::uint32_t bits = std::max(i.first, first); bits <= end; ++bits) {
        wrong += actual(oracle::from_bits(bits)) != i.code;
        wrong += actual(oracle::from_bits(bits | 0x80000000u)) != i.negative_code;
      }
    }
    for (std::uint32_t bits = std::max(first, 0x7F800001u); bits <= last; ++bits) {
      wrong += actual(oracle::from_bits(bits)) != nan_code;
      wrong += actual(oracle::from_bits(bits | 0x80000000u)) != nan_code;
    }
    return wrong;
  });
}

/// How many of the 2^32 floats two functions encode differently.
template <class A, class B>
std::uint64_t count_differences(A a, B b) {
  return on_all_cores([&](std::uint32_t first, std::uint32_t last) {
    std::uint64_t wrong = 0;
    for (std::uint32_t bits = first;; ++bits) {
      const float x = oracle::from_bits(bits), y = oracle::from_bits(bits | 0x80000000u);
      wrong += a(x) != b(x);
      wrong += a(y) != b(y);
      if (bits == last) return wrong;
    }
  });
}

}  // namespace exhaustive
