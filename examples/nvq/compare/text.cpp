// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "compare/compare.hpp"
#include "table.hpp"

namespace app {

namespace {

using report::TensorRecord;

std::string db(double x) { return std::isinf(x) ? (x > 0 ? "exact" : "-inf") : fmt::format("{:.2f}", x); }
std::string percent(std::int64_t part, std::int64_t of) {
  return part < 0 || of == 0
             ? "-"
             : fmt::format("{:.3f} %", 100.0 * static_cast<double>(part) / static_cast<double>(of));
}

std::vector<std::string> headings(std::vector<std::string> first) {
  for (const char* h : {">SQNR dB", ">relative error", ">largest error", ">cosine", ">clipped", ">to zero"})
    first.emplace_back(h);
  return first;
}
std::vector<std::string> figures(std::vector<std::string> first, const TensorRecord& t) {
  first.push_back(db(t.sqnr_db()));
  first.push_back(fmt::format("{:.3f} %", 100 * std::sqrt(t.nmse())));
  first.push_back(fmt::format("{:.3g}", t.max_error));
  first.push_back(fmt::format("{:.6f}", t.cosine()));
  first.push_back(percent(t.clipped, t.values));
  first.push_back(percent(t.flushed, t.values));
  return first;
}

std::string class_table(const report::Report& r) {
  std::map<std::pair<std::string, std::string>, std::vector<const TensorRecord*>> classes;
  for (const TensorRecord& t : r.tensors) classes[{t.kind, t.format}].push_back(&t);
  Table table(headings({"class", "stored as", ">weights", ">values"}));
  for (const auto& [key, all] : classes) {
    const TensorRecord sum = report::merged(all);
    table.row(figures({key.first, key.second, std::to_string(all.size()), with_commas(sum.values)}, sum));
  }
  return table.text();
}

/// One row per layer, one column per class.
std::string layer_table(const report::Report& r) {
  std::set<std::string> kinds;
  std::map<std::int64_t, std::map<std::string, std::vector<const TensorRecord*>>> layers;
  for (const TensorRecord& t : r.tensors)
    if (t.layer >= 0 && t.noise != 0) {
      kinds.insert(t.kind);
      layers[t.layer][t.kind].push_back(&t);
    }
  if (layers.empty()) return {};
  std::vector<std::string> names = {">layer"};
  for (const std::string& kind : kinds) names.push_back('>' + kind + " dB");
  Table table(names);
  for (const auto& [layer, classes] : layers) {
    std::vector<std::string> row = {std::to_string(layer)};
    for (const std::string& kind : kinds)
      row.push_back(classes.count(kind) == 0 ? "-" : db(report::merged(classes.at(kind)).sqnr_db()));
    table.row(row);
  }
  return table.text() + '\n';
}

std::string worst_table(const report::Report& r, int count) {
  std::vector<const TensorRecord*> all;
  for (const TensorRecord& t : r.tensors)
    if (t.noise != 0) all.push_back(&t);
  if (all.empty() || count == 0) return {};
  std::stable_sort(all.begin(), all.end(),
                   [](const TensorRecord* x, const TensorRecord* y) { return x->nmse() > y->nmse(); });
  Table table(headings({"worst"}));
  for (std::size_t i = 0; i < std::min(all.size(), static_cast<std::size_t>(count)); ++i)
    table.row(figures({all[i]->name}, *all[i]));
  return table.text() + '\n';
}

std::string keep_table(const report::Report& r, int count) {
  const auto choices = report::keep_choices(r.tensors);
  if (choices.empty() || count == 0) return {};
  Table table({"worth keeping", ">weights", ">MB more", ">noise that goes"});
  for (std::size_t i = 0; i < std::min(choices.size(), static_cast<std::size_t>(count)); ++i)
    table.row({choices[i].group, std::to_string(choices[i].modules.size()),
               fmt::format("{:.2f}", static_cast<double>(choices[i].extra_bytes) / 1e6),
               fmt::format("{:.2f} %", 100 * choices[i].share)});
  return table.text();
}

}  // namespace

std::string compare_text(const CompareOptions& options, const report::Report& r) {
  std::string out;
  for (const auto& [key, value] : r.facts) out += fmt::format("{:<14}{}\n", key, value);
  out += '\n' + class_table(r) + '\n' + layer_table(r) + worst_table(r, options.worst) +
         keep_table(r, std::min(options.worst, 5));
  for (const std::string& note : r.notes) out += "note: " + note + '\n';
  return out;
}

}  // namespace app
