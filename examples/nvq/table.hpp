// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace app {

/// A table of text with a heading row. Columns are as wide as their widest cell; those marked are aligned
/// right.
class Table {
 public:
  /// A heading that starts with '>' is aligned right.
  explicit Table(std::vector<std::string> headings);

  void row(std::vector<std::string> cells);
  std::string text() const;
  std::string markdown() const;

 private:
  std::vector<std::size_t> widths() const;

  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

/// "6,562,376".
std::string with_commas(std::int64_t n);

}  // namespace app
