// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/quantization.hpp>
#include <regex>

NVQ_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Python's re.match: anchored at the start alone. A pattern this library's regular expressions do not know
/// matches nothing.
inline bool matches_from_start(const std::string& pattern, std::string_view module) {
  try {
    return std::regex_search(module.begin(), module.end(), std::regex(pattern),
                             std::regex_constants::match_continuous);
  } catch (const std::regex_error&) {
    return false;
  }
}

}  // namespace detail

/// compressed-tensors' order: a name before a pattern before a class.
inline const weight_scheme* quantization::find(std::string_view module) const {
  for (const scheme_use& use : uses)
    for (const std::string& target : use.targets)
      if (target == module) return &use.scheme;
  for (const scheme_use& use : uses)
    for (const std::string& target : use.targets)
      if (target.compare(0, 3, "re:") == 0 && detail::matches_from_start(target.substr(3), module))
        return &use.scheme;
  for (const scheme_use& use : uses) {
    if (use.targets.empty()) return &use.scheme;
    for (const std::string& target : use.targets)
      if (target == "Linear") return &use.scheme;
  }
  return nullptr;
}

}  // namespace io
NVQ_END_NAMESPACE
