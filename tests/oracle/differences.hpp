// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace oracle {

/// Counts where two computations differ and keeps the first few: one assertion for millions of comparisons.
///
///     CHECK(differences.report() == "");
class Differences {
 public:
  void compare(float input, unsigned actual, unsigned expected, const char* what = "") {
    ++compared_;
    if (actual != expected) note(input, actual, expected, what);
  }

  /// Empty when something was compared and nothing differed.
  std::string report() const {
    if (compared_ == 0) return "nothing was compared";
    if (count_ == 0) return "";
    return std::to_string(count_) + " of " + std::to_string(compared_) + " differ:\n" + text_;
  }

 private:
  void note(float input, unsigned actual, unsigned expected, const char* what) {
    if (++count_ > 8) return;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &input, sizeof bits);
    char line[160];
    std::snprintf(line, sizeof line, "%s x=%.9g (0x%08X): 0x%02X, expected 0x%02X\n", what,
                  static_cast<double>(input), static_cast<unsigned>(bits), actual, expected);
    text_ += line;
  }

  std::uint64_t compared_ = 0, count_ = 0;
  std::string text_;
};

/// Empty when two containers are equal; else where they first differ.
///
///     CHECK(first_difference(actual, expected) == "");
template <class C>
std::string first_difference(const C& actual, const C& expected) {
  if (actual.size() != expected.size())
    return std::to_string(actual.size()) + " elements, expected " + std::to_string(expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i)
    if (!(actual[i] == expected[i]))
      return "element " + std::to_string(i) + " is " + std::to_string(actual[i]) + ", expected " +
             std::to_string(expected[i]);
  return "";
}

}  // namespace oracle
