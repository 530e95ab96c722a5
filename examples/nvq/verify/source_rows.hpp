// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "scale_stats.hpp"
#include "source.hpp"

namespace app::check {

/// The rows of a weight of the source, as floats.
class SourceRows {
 public:
  SourceRows(const Snapshot& source, const SourceWeight& w, std::int64_t columns) : w_(w), columns_(columns) {
    // Stacks are read whole: a row of a transposed one is scattered over all of it.
    bytes_ = source.read(*w.tensor, Reading::codes);
  }
  bool read() const { return static_cast<std::int64_t>(bytes_.size()) == w_.tensor->bytes; }
  void row(std::int64_t r, float* out) const {
    const std::int64_t width = nvq::io::bits(w_.tensor->type) / 8;
    for (std::int64_t c = 0; c < columns_; ++c)
      out[c] = wide_value(bytes_.data() + (w_.first + r * w_.row_step + c * w_.column_step) * width,
                          w_.tensor->type);
  }

 private:
  SourceWeight w_;
  std::int64_t columns_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace app::check
