// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "declared.hpp"
#include "snapshot.hpp"

namespace app::check {

/// The tensors of one module, and what the configuration says of it.
struct Module {
  std::string name;
  std::map<std::string, const Entry*, std::less<>> parts;  ///< by suffix
  std::optional<Scheme> declared;
  Extent extent;       ///< of its weight; zero rows when that cannot be told
  bool whole = false;  ///< All parts are there with the right dtypes and shapes: check_shapes() says so.

  const Entry* part(std::string_view suffix) const {
    const auto at = parts.find(suffix);
    return at == parts.end() ? nullptr : at->second;
  }
  /// Whether any of its tensors shows that it is quantized, whatever the configuration says.
  bool quantized() const;
  /// The plain weight of an unquantized module, of two or three dimensions.
  const Entry* plain_weight() const;
};

/// NAME and suffix of a tensor. Stacked experts have names without a dot before the suffix
/// ("...gate_up_proj_blocks"), and a parameter that is no module's weight has the empty suffix.
std::pair<std::string, std::string> split_name(const std::string& tensor);

std::map<std::string, Module> modules_of(const Snapshot& c, const Declaration& d);

/// "model.layers.3.mlp.experts.7.w1" -> "model.layers.3.mlp.experts.*.w1" and 7; nothing for others.
struct ExpertName {
  std::string family;
  std::int64_t number;
};
std::optional<ExpertName> expert_name(std::string_view module);

}  // namespace app::check
