// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace app {

Table::Table(std::vector<std::string> headings) {
  for (std::string& h : headings) {
    right_.push_back(!h.empty() && h[0] == '>');
    if (right_.back()) h.erase(0, 1);
  }
  rows_.push_back(std::move(headings));
}

void Table::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths(right_.size());
  for (const auto& r : rows_)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], r[i].size());
  return widths;
}

std::string Table::text() const {
  const auto w = widths();
  std::string out;
  for (std::size_t n = 0; n < rows_.size(); ++n) {
    std::string line;
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (i != 0) line += "  ";
      line += right_[i] ? fmt::format("{:>{}}", rows_[n][i], w[i]) : fmt::format("{:<{}}", rows_[n][i], w[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    if (n == 0) {
      for (std::size_t i = 0; i < w.size(); ++i) out += (i == 0 ? "" : "  ") + std::string(w[i], '-');
      out += '\n';
    }
  }
  return out;
}

std::string Table::markdown() const {
  std::string out;
  for (std::size_t n = 0; n < rows_.size(); ++n) {
    out += '|';
    for (const std::string& cell : rows_[n]) out += ' ' + cell + " |";
    out += '\n';
    if (n != 0) continue;
    out += '|';
    for (const bool right : right_) out += right ? "---:|" : "---|";
    out += '\n';
  }
  return out;
}

std::string with_commas(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (n < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

}  // namespace app
