// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "finding.hpp"

namespace app::check {

namespace {

constexpr std::size_t shown = 4;

struct Group {
  const Rule* about = nullptr;
  Severity severity = Severity::error;
  std::vector<const Finding*> findings;
};

std::vector<Group> grouped(const Findings& findings) {
  std::map<std::pair<Severity, std::string>, Group> by_rule;
  for (const Finding& f : findings.all()) {
    Group& g = by_rule[{f.severity, f.rule}];
    g.about = &rule(f.rule);
    g.severity = f.severity;
    g.findings.push_back(&f);
  }
  std::vector<Group> groups;
  for (auto& [key, g] : by_rule) groups.push_back(std::move(g));
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) {
    return a.severity != b.severity ? a.severity < b.severity : a.findings.size() > b.findings.size();
  });
  return groups;
}

const char* word(Severity s) { return s == Severity::error ? "error" : "warning"; }

}  // namespace

std::string findings_text(const Findings& findings) {
  std::string text;
  for (const Group& g : grouped(findings)) {
    text += fmt::format("{} {}: {}", word(g.severity), g.about->id, g.about->title);
    if (g.findings.size() > 1) text += fmt::format(" ({} findings)", g.findings.size());
    text += '\n';
    for (std::size_t i = 0; i < std::min(shown, g.findings.size()); ++i)
      text += fmt::format("  {}: {}\n", g.findings[i]->subject, g.findings[i]->seen);
    if (g.findings.size() > shown) text += fmt::format("  ... and {} more\n", g.findings.size() - shown);
    text += fmt::format("  consequence: {}\n  remedy: {}\n\n", g.about->consequence, g.about->remedy);
  }
  return text;
}

nvq::io::json findings_json(const Findings& findings) {
  nvq::io::json list = nvq::io::json::array();
  for (const Group& g : grouped(findings))
    for (const Finding* f : g.findings)
      list.push_back({{"rule", f->rule},
                      {"severity", word(f->severity)},
                      {"subject", f->subject},
                      {"seen", f->seen},
                      {"title", g.about->title},
                      {"consequence", g.about->consequence},
                      {"remedy", g.about->remedy}});
  return list;
}

}  // namespace app::check
