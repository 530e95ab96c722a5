// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace app::check {

/// What engines do with it: an error makes them refuse or answer garbage, a warning may.
enum class Severity { error, warning };

/// One thing that is wrong with one tensor, module or file.
struct Finding {
  std::string rule;
  Severity severity;
  std::string subject;
  std::string seen;
};

/// What a rule is about: the same for all its findings.
struct Rule {
  std::string_view id;
  std::string_view title;
  std::string_view consequence;
  std::string_view remedy;
};

/// V1 to V24 are numbered as in the table of docs/verify.md; the others have names.
const std::vector<Rule>& rules();
/// The entry of that id, which must be one of the table.
const Rule& rule(std::string_view id);

class Findings {
 public:
  void error(std::string_view id, std::string subject, std::string seen) {
    add(id, Severity::error, std::move(subject), std::move(seen));
  }
  void warning(std::string_view id, std::string subject, std::string seen) {
    add(id, Severity::warning, std::move(subject), std::move(seen));
  }
  const std::vector<Finding>& all() const { return all_; }

 private:
  void add(std::string_view id, Severity severity, std::string subject, std::string seen) {
    all_.push_back({std::string(rule(id).id), severity, std::move(subject), std::move(seen)});
  }

  std::vector<Finding> all_;
};

/// Grouped by rule, errors first, the rule with most findings first; a few subjects of each.
std::string findings_text(const Findings& findings);
/// Every finding, with its rule's texts.
nvq::io::json findings_json(const Findings& findings);

}  // namespace app::check
