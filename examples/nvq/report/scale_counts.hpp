// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <nvq/io/dtype.hpp>
#include <string>
#include <utility>
#include <vector>

#include "report/record.hpp"

namespace app::report {

/// Counts block scales by their code, or where they are wide, by their power of two. Any thread may add.
class ScaleCounts {
 public:
  /// Scales as they are stored: E4M3 as F8_E4M3, E8M0 as U8 or F8_E8M0, wide ones as floats of their type.
  /// `format` is what the histogram will be named after.
  void add(const std::string& format, nvq::io::dtype type, const std::vector<std::uint8_t>& scales);
  std::vector<ScaleHistogram> histograms() const;

 private:
  using Counts = std::array<std::int64_t, 256>;
  std::mutex mutex_;
  std::map<std::pair<std::string, nvq::io::dtype>, Counts> counts_;
};

}  // namespace app::report
