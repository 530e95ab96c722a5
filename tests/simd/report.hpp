// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <nvq/simd/isa.hpp>
#include <string>
#include <vector>

#include "../support/threads.hpp"

namespace tiers {

/// Counts what differs and prints the first of them.
class Report {
 public:
  explicit Report(nvq::Isa tier) : tier_(tier) {}
  nvq::Isa tier() const { return tier_; }
  int failures() const { return failures_; }
  void compared() { ++compared_; }
  int comparisons() const { return compared_; }
  void fail(const std::string& what) {
    if (++failures_ <= 25) std::printf("%s differs from scalar: %s\n", nvq::isa_name(tier_), what.c_str());
  }

  /// The scalar codec's result of fn() and the tier's.
  template <class Fn>
  auto scalar(Fn fn) {
    nvq::set_isa(nvq::Isa::scalar);
    return fn();
  }
  template <class Fn>
  auto tier(Fn fn) {
    nvq::set_isa(tier_);
    return fn();
  }
  void same(const std::string& what, const char* part, const void* wanted, const void* got,
            std::size_t bytes) {
    ++compared_;
    if (bytes == 0 || std::memcmp(wanted, got, bytes) == 0) return;
    const auto* a = static_cast<const unsigned char*>(wanted);
    const auto* b = static_cast<const unsigned char*>(got);
    std::size_t i = 0, differing = 0;
    while (a[i] == b[i]) ++i;
    for (std::size_t j = i; j < bytes; ++j) differing += a[j] != b[j];
    char text[160];
    std::snprintf(text, sizeof text, ": %zu bytes of %s, the first at %zu: %02x instead of %02x", differing,
                  part, i, b[i], a[i]);
    fail(what + text);
  }

 private:
  nvq::Isa tier_;
  int failures_ = 0, compared_ = 0;
};

void check_encode(Report& report);
void check_decode(Report& report);
void check_amax(Report& report);
void check_environment(Report& report);

}  // namespace tiers
