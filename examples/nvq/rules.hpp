// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// How a weight is quantized.
struct Treatment {
  nvq::io::weight_scheme scheme;
  std::string recipe;  ///< Empty: the format's default.
  std::string format;  ///< As the command line names it.
};

/// What happens to the modules whose full name a pattern matches.
struct Rule {
  std::string pattern;  ///< * and ? match
  int treatment = -1;   ///< Index into Rules::treatments; -1: they stay as they are.
  bool force = false;   ///< Takes modules that stay as they are by default, too.
  std::string text;     ///< As the user wrote it.
};

struct RuleOptions {
  std::string format;       ///< Of everything that no rule names; empty: the dialect's usual.
  std::string recipe;       ///< Of that format.
  std::string dialect;      ///< Empty: the usual of the format.
  std::string activations;  ///< "none", "dynamic", "calibrated"; empty: the format's usual.
  bool has_activation_amax = false;
  std::vector<std::string> keep;  ///< Patterns that come before all rules.
  std::string preset;             ///< Empty, or a name of preset_names().
  std::string rules;              ///< The text of a file of rules.
  std::string rules_file;         ///< Its name, for messages.
};

/// The rules of a run, in order: the first whose pattern matches decides.
///
///     # comment
///     *.self_attn.*  = fp8_row
///     *.mlp.experts.* = nvfp4:mse
///     model.layers.0.* = keep
///     lm_head = fp8_row !
///
/// The format may be followed by a recipe, and by "!" where the rule shall also take what stays unquantized
/// by default. What no rule matches gets the format of the command line.
struct Rules {
  nvq::io::dialect dialect = nvq::io::dialect::compressed_tensors;
  std::vector<Treatment> treatments;
  std::vector<Rule> rules;

  const Rule& find(std::string_view module) const;
};

/// A Failure names the line that is wrong.
Rules make_rules(const RuleOptions& options);

/// "all-linear", "mlp-only", "experts-fp4-dense-fp8".
std::vector<std::string> preset_names();
std::vector<std::string> dialect_names();
/// By its name; a Failure for another. "compressed_tensors" and "gpt_oss", as code calls them, will do as well.
nvq::io::dialect find_dialect(const std::string& name);

}  // namespace app
