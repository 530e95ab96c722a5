// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/record.hpp"

namespace app {

struct CompareOptions {
  std::filesystem::path a, b;     ///< the original and its copy, each plain or quantized
  std::vector<std::string> only;  ///< globs on names; empty: all
  int worst = 10;                 ///< how many of the worst are printed
  double min_db = 0;              ///< quantized weights shall be no worse; 0: whatever they are
  int threads = 0;
  bool quiet = false;
};

/// Compares every weight that both have, rows of all of them on all threads. Holds a few runs of rows per
/// thread, whatever the size of the models: neither is ever resident.
report::Report compare(const CompareOptions& options);

/// The tables that `nvq compare` prints.
std::string compare_text(const CompareOptions& options, const report::Report& report);

}  // namespace app
