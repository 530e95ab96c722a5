// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
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
  /// not asked: which modules are quantized is told by their tensors. For many modules keep a scheme_finder.
  const weight_scheme* find(std::string_view module, matcher matches = nullptr) const;
};

/// Finds the schemes of many modules: a configuration that names every layer takes as long as it has names, and
/// not as long as it has pairs of them. Refers to the configuration, which must outlive it unchanged.
class scheme_finder {
 public:
  explicit scheme_finder(const quantization& q) {
    for (const scheme_use& use : q.uses) {
      if (fallback_ == nullptr && use.targets.empty()) fallback_ = &use.scheme;
      for (const std::string& target : use.targets) {
        names_.emplace(target, &use.scheme);  // of a name that is there twice, the first
        if (target.compare(0, 3, "re:") == 0) patterns_.emplace_back(target.substr(3), &use.scheme);
        if (fallback_ == nullptr && target == "Linear") fallback_ = &use.scheme;
      }
    }
  }

  /// As quantization::find() says.
  const weight_scheme* find(std::string_view module, quantization::matcher matches = nullptr) const {
    if (const auto at = names_.find(module); at != names_.end()) return at->second;
    if (matches != nullptr)
      for (const auto& [pattern, scheme] : patterns_)
        if (matches(pattern, module)) return scheme;
    return fallback_;
  }

 private:
  std::unordered_map<std::string_view, const weight_scheme*> names_;
  std::vector<std::pair<std::string, const weight_scheme*>> patterns_;
  const weight_scheme* fallback_ = nullptr;
};

inline const weight_scheme* quantization::find(std::string_view module, matcher matches) const {
  return scheme_finder(*this).find(module, matches);
}

}  // namespace io
NVQ_END_NAMESPACE
