// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/plots.hpp"
#include "report/record.hpp"
#include "report/svg.hpp"
#include "table.hpp"

namespace app::report {

namespace {

constexpr const char* style = R"(
:root { --ink: #1b1f24; --soft: #5c6670; --line: #d7dce1; --paper: #ffffff; --shade: #f4f6f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa4ae; --line: #3a424a; --paper: #14181c; --shade: #1d2329; } }
body { margin: 2rem auto; max-width: 940px; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin-bottom: .3rem } h2 { font-size: 1.15rem; margin: 2.2rem 0 .4rem }
p { margin: .3rem 0 .8rem; color: var(--soft) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line) }
th { color: var(--soft); font-weight: 600 } .n { text-align: right } td.n { white-space: nowrap }
.wide { overflow-x: auto } code { background: var(--shade); padding: .1rem .3rem; border-radius: 3px }
svg { max-width: 100%; height: auto; font: 12px system-ui, sans-serif }
svg .label { fill: var(--ink) } svg .muted { fill: var(--soft) }
svg .grid { stroke: var(--line) } svg .axis { stroke: var(--soft); stroke-dasharray: 3 3 }
)";

/// A table whose headings that start with '>' are of numbers.
class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& headings) {
    for (const std::string& h : headings) {
      right_.push_back(!h.empty() && h[0] == '>');
      text_ += cell("th", right_.back(), right_.back() ? h.substr(1) : h);
    }
    text_ = "<tr>" + text_ + "</tr>\n";
  }
  void row(const std::vector<std::string>& cells) {
    text_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) text_ += cell("td", right_[i], cells[i]);
    text_ += "</tr>\n";
  }
  std::string str() const { return "<div class=\"wide\"><table>\n" + text_ + "</table></div>\n"; }

 private:
  static std::string cell(const char* tag, bool right, const std::string& text) {
    return fmt::format("<{}{}>{}</{}>", tag, right ? " class=\"n\"" : "", escaped(text), tag);
  }
  std::vector<bool> right_;
  std::string text_;
};

std::string number(double x, const char* format) {
  return std::isnan(x)   ? ""
         : std::isinf(x) ? (x > 0 ? "exact" : "-inf")
                         : fmt::format(fmt::runtime(format), x);
}
std::string share(std::int64_t part, std::int64_t of) {
  if (part < 0 || of == 0) return "";
  return fmt::format("{:.3f} %", 100.0 * static_cast<double>(part) / static_cast<double>(of));
}

const std::vector<std::string> figures = {">values",        ">MB",     ">SQNR, dB", ">relative error",
                                          ">largest error", ">cosine", ">clipped",  ">to zero"};
std::vector<std::string> with_figures(std::vector<std::string> first) {
  first.insert(first.end(), figures.begin(), figures.end());
  return first;
}
std::vector<std::string> figures_of(std::vector<std::string> first, const TensorRecord& t) {
  for (std::string cell : {with_commas(t.values), fmt::format("{:.2f}", static_cast<double>(t.bytes) / 1e6),
                           number(t.sqnr_db(), "{:.2f}"), fmt::format("{:.3f} %", 100 * std::sqrt(t.nmse())),
                           number(t.max_error, "{:.3g}"), number(t.cosine(), "{:.6f}"),
                           share(t.clipped, t.values), share(t.flushed, t.values)})
    first.push_back(std::move(cell));
  return first;
}

std::string section(const char* heading, const char* text, const std::string& body) {
  return body.empty() ? "" : fmt::format("<h2>{}</h2>\n<p>{}</p>\n{}", heading, text, body);
}

std::string by_class(const std::vector<TensorRecord>& tensors) {
  std::map<std::pair<std::string, std::string>, std::vector<const TensorRecord*>> classes;
  for (const TensorRecord& t : tensors) classes[{t.kind, t.format}].push_back(&t);
  HtmlTable table(with_figures({"class", "stored as", ">weights"}));
  for (const auto& [key, all] : classes)
    table.row(figures_of({key.first, key.second, std::to_string(all.size())}, merged(all)));
  return table.str();
}

std::string worst(const std::vector<TensorRecord>& tensors) {
  std::vector<const TensorRecord*> all;
  for (const TensorRecord& t : tensors)
    if (t.noise > 0) all.push_back(&t);
  if (all.empty()) return {};
  std::stable_sort(all.begin(), all.end(),
                   [](const TensorRecord* a, const TensorRecord* b) { return a->nmse() > b->nmse(); });
  HtmlTable table(with_figures({"weight"}));
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 20); ++i)
    table.row(figures_of({all[i]->name}, *all[i]));
  return table.str();
}

std::string keep(const std::vector<KeepChoice>& choices) {
  if (choices.empty()) return {};
  HtmlTable table({"group", ">weights", ">MB more", ">noise that goes", ">per MB"});
  for (std::size_t i = 0; i < std::min<std::size_t>(choices.size(), 20); ++i) {
    const KeepChoice& c = choices[i];
    const double megabytes = static_cast<double>(c.extra_bytes) / 1e6;
    table.row({c.group, std::to_string(c.modules.size()), fmt::format("{:.2f}", megabytes),
               fmt::format("{:.2f} %", 100 * c.share), fmt::format("{:.3f} %", 100 * c.share / megabytes)});
  }
  return keep_curve(choices) + table.str();
}

}  // namespace

std::string report_html(const Report& r) {
  std::string body = "<h1>" + escaped(r.title) + "</h1>\n<table>\n";
  for (const auto& [key, value] : r.facts)
    body += "<tr><th>" + escaped(key) + "</th><td>" + escaped(value) + "</td></tr>\n";
  body += "</table>\n";
  for (const std::string& note : r.notes) body += "<p>Note: " + escaped(note) + "</p>\n";
  body += section("By class",
                  "SQNR is 10 log<sub>10</sub> of signal over noise, of all values together; relative error "
                  "its root in percent. Clipped values lie beyond what their scale lets codes reach.",
                  by_class(r.tensors));
  body += section("Layer by layer", "Every kind of weight in every layer; the pointer shows the figure.",
                  heat_map(r.tensors));
  body += section("Classes over the layers", "", lines_by_layer(r.tensors));
  for (const ScaleHistogram& h : r.scales)
    body += section(escaped(h.title).c_str(), "How often each block scale was used.", histogram(h));
  body += section("Worst weights", "By relative error.", worst(r.tensors));
  body += section(
      "Worth keeping",
      "What to leave unquantized for the fewest bytes. Noise is relative: each group's is the sum over its "
      "kinds of weight of noise over signal. Weights that engines fuse, and a layer's experts, go together. "
      "The dashed line is keeping at random. This looks at weights alone: what activations do to them, only "
      "a "
      "run of the model tells.",
      keep(keep_choices(r.tensors)));
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
         "content=\"width=device-width\">\n<title>" +
         escaped(r.title) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n" + body +
         "</body>\n</html>\n";
}

}  // namespace app::report
