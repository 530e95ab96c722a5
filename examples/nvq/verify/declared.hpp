// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "finding.hpp"
#include "scheme.hpp"
#include "snapshot.hpp"

namespace app::check {

/// How the entries of a list of modules match names.
enum class Matching {
  exact_or_regex,  ///< compressed-tensors: full name, class name, or re: and a Python regular expression
  glob,            ///< ModelOpt: shell wildcards on the full name, or a prefix of it
  part_of_name,    ///< transformers: a substring, or wildcards
};

/// One group of layers that share a scheme.
struct SchemeGroup {
  Scheme scheme;
  std::vector<std::string> targets;  ///< empty: every linear layer
};

/// What the configuration says of the checkpoint.
struct Declaration {
  std::string method;  ///< quant_method; empty: not quantized
  std::vector<SchemeGroup> groups;
  /// Names with a scheme of their own, before the groups (MIXED_PRECISION).
  std::vector<SchemeGroup> layers;
  std::vector<std::string> ignore;
  std::string ignore_key;  ///< how the list is called, for messages
  Matching matching = Matching::exact_or_regex;
  /// Whether a linear layer that is not listed must be quantized.
  bool every_linear = false;
  bool experts_only = false;      ///< GPT-OSS: linear layers are never quantized
  bool kv_cache = false;          ///< The KV cache is declared quantized.
  bool kv_cache_dynamic = false;  ///< ... with scales that engines compute.

  bool ignored(std::string_view module) const;
};

/// Finds what modules should be: one that is named takes a look into a table, however many are. Refers to the
/// declaration, which must stay as it is.
class SchemeTable {
 public:
  explicit SchemeTable(const Declaration& d);
  /// Nothing when the module is ignored or not targeted.
  std::optional<Scheme> find(std::string_view module) const;

 private:
  /// Names and patterns, of which the first that matches counts.
  struct Targets {
    struct Pattern {
      std::size_t place;
      const std::string* text;
      const Scheme* scheme;
    };
    std::unordered_map<std::string_view, std::pair<std::size_t, const Scheme*>> names;
    std::vector<Pattern> patterns;

    void add(const std::string& target, bool pattern, const Scheme& scheme);
    template <class Matches>
    const Scheme* find(std::string_view module, Matches matches) const;
  };

  const Declaration& declaration_;
  Targets layers_, groups_;
  const Scheme* rest_ = nullptr;
};

/// Reads the configuration; what is wrong with it becomes findings V18, N-config and N-mirror.
Declaration declaration_of(const Snapshot& c, Findings& findings);

/// Whether an entry of a list matches a module's full name.
bool matches(Matching how, const std::string& entry, std::string_view module);
/// An entry such as "Linear" that names a class, which files cannot confirm.
bool is_class_name(std::string_view entry);

// One per family of dialects, each in its own file.
void declare_compressed_tensors(const nvq::io::json& q, Declaration& d, Findings& findings);
void declare_modelopt(const Snapshot& c, const nvq::io::json& q, Declaration& d, Findings& findings);
void declare_huggingface(const Snapshot& c, const nvq::io::json& q, Declaration& d, Findings& findings);

// Lenient access to JSON from outside.
std::string text_at(const nvq::io::json& object, const char* key);
std::int64_t number_at(const nvq::io::json& object, const char* key, std::int64_t otherwise = 0);
bool true_at(const nvq::io::json& object, const char* key);
std::vector<std::string> strings_at(const nvq::io::json& object, const char* key);
/// The object at a key, or an empty one.
const nvq::io::json& object_at(const nvq::io::json& object, const char* key);

/// The text part of a multimodal configuration, or the configuration itself.
const nvq::io::json& text_config(const nvq::io::json& config);

}  // namespace app::check
