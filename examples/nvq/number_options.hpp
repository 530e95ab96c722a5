// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

namespace app {

/// As CLI::NonNegativeNumber and CLI::PositiveNumber, whose messages print the largest double in all its digits.
inline CLI::Validator number_where(const char* what, bool (*good)(double)) {
  return CLI::Validator(
      [=](std::string& text) {
        char* end = nullptr;
        const double x = std::strtod(text.c_str(), &end);
        return !text.empty() && *end == '\0' && good(x) ? std::string()
                                                        : "'" + text + "' is no number " + what;
      },
      "");
}
inline CLI::Validator not_negative() {
  return number_where("from 0 on", [](double x) { return x >= 0; });
}
inline CLI::Validator positive() {
  return number_where("above 0", [](double x) { return x > 0; });
}

}  // namespace app
