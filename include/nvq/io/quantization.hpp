// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What a checkpoint's configuration says about its quantization, whatever the dialect.
NVQ_BEGIN_NAMESPACE
namespace io {

/// A scheme and the modules that have it.
struct scheme_use {
  weight_scheme scheme;
  /// Full names of modules, or patterns "re:..." of compressed-tensors (from the name's start), or the class
  /// name "Linear". Empty: every module that no other use names.
  std::vector<std::string> targets;
};

struct quantization {
  dialect owner = dialect::compressed_tensors;
  std::vector<scheme_use> uses;     ///< The one without targets, if any, first.
  std::vector<std::string> ignore;  ///< Modules left as they were: names or, read from others, patterns.
  bool fp8_kv_cache = false;        ///< k_scale and v_scale stand beside the attention layers.
  std::string version;              ///< Of the writer, where the dialect has a place for it.

  /// Whether a regular expression matches a module's name from its start, as Python's re.match does.
  using matcher = bool (*)(const std::string& pattern, std::string_view module);

  /// The scheme of a module by its name, nullptr when no use takes it: a name before a pattern before a class,
  /// as compressed-tensors has it. Patterns are for `matches` to tell, and without it match nothing. `ignore` is
  /// not asked: which modules are quantized is told by their tensors.
  const weight_scheme* find(std::string_view module, matcher matches = nullptr) const {
    for (const scheme_use& use : uses)
      for (const std::string& target : use.targets)
        if (target == module) return &use.scheme;
    for (const scheme_use& use : uses)
      for (const std::string& target : use.targets)
        if (matches != nullptr && target.compare(0, 3, "re:") == 0 && matches(target.substr(3), module))
          return &use.scheme;
    for (const scheme_use& use : uses) {
      if (use.targets.empty()) return &use.scheme;
      for (const std::string& target : use.targets)
        if (target == "Linear") return &use.scheme;
    }
    return nullptr;
  }
};

}  // namespace io
NVQ_END_NAMESPACE
