// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "report/record.hpp"
#include "weight_reader.hpp"

namespace app {

/// Counts block scales by their code, or where they are wide, by their power of two. Any thread may add.
class ScaleCounts {
 public:
  /// Scales of a weight as `DecodedRows::scales` holds them.
  void add(const std::string& format, nvq::io::dtype type, const std::vector<std::uint8_t>& scales);
  std::vector<report::ScaleHistogram> histograms() const;

 private:
  using Counts = std::array<std::int64_t, 256>;
  std::mutex mutex_;
  std::map<std::pair<std::string, nvq::io::dtype>, Counts> counts_;
};

}  // namespace app
