// SPDX-License-Identifier: Apache-2.0
#include "name_pattern.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <regex>
#include <unordered_map>

namespace app {

namespace {

/// Of a pattern with its repetitions written out. libstdc++ makes a state or two of each character, and walks
/// through states by recursion.
constexpr std::int64_t longest_pattern = 4096;
/// Longer names of modules do not occur; a time limit more than a rule.
constexpr std::size_t longest_name = 1024;

/// At least the length of a pattern with its {m,n} written out: as if all of it were repeated by each.
std::int64_t written_out(const std::string& pattern) {
  auto length = static_cast<std::int64_t>(pattern.size());
  for (std::size_t at = 0; (at = pattern.find('{', at)) != std::string::npos; ++at) {
    std::int64_t largest = 1, n = 0;
    for (std::size_t i = at + 1; i < pattern.size() && pattern[i] != '}'; ++i) {
      const auto c = static_cast<unsigned char>(pattern[i]);
      n = std::isdigit(c) != 0 ? std::min(longest_pattern + 1, n * 10 + (c - '0')) : 0;
      largest = std::max(largest, n);
    }
    length = std::min(longest_pattern + 1, length * largest);
  }
  return length;
}

struct Compiled {
  std::regex regex;
  std::string refusal;
};

Compiled compile(const std::string& pattern) {
  if (written_out(pattern) > longest_pattern)
    return {{}, "it is longer than 4096 characters, repetitions written out"};
  auto flags = std::regex::ECMAScript;
#ifdef __GLIBCXX__
  // All ways at once instead of one after the other, of which there may be exponentially many.
  flags |= std::regex_constants::__polynomial;
#endif
  try {
    return {std::regex(pattern, flags), {}};
  } catch (const std::regex_error& e) {
    return {{}, e.what()};
  }
}

/// Compiled once per thread.
const Compiled& known(const std::string& pattern) {
  static thread_local std::unordered_map<std::string, Compiled> all;
  const auto at = all.find(pattern);
  return at != all.end() ? at->second : all.emplace(pattern, compile(pattern)).first->second;
}

}  // namespace

std::string refusal_of_pattern(const std::string& pattern) { return known(pattern).refusal; }

bool matches_from_start(const std::string& pattern, std::string_view name) {
  const Compiled& c = known(pattern);
  if (!c.refusal.empty() || name.size() > longest_name) return false;
  try {
    return std::regex_search(name.begin(), name.end(), c.regex, std::regex_constants::match_continuous);
  } catch (const std::regex_error&) {
    return false;  // libc++ gives up on what takes too long
  }
}

}  // namespace app
