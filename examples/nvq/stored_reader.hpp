// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "codec.hpp"
#include "stored.hpp"
#include "tensor_io.hpp"

namespace app {

/// Reads and decodes rows of a quantized weight, from any thread. Holds nothing of it but the tensor's scale and
/// what double-quantized scales are made of.
class StoredReader {
 public:
  /// A Failure when the tensor scale is no positive number.
  StoredReader(const Checkpoint& checkpoint, const StoredWeight& weight);

  /// Runs of rows begin at a multiple of it.
  std::int64_t row_step() const { return row_step_; }
  /// Codes, scales and zero points of a run in the library's order; the scales as they are stored.
  void read(Rows run, Encoded& out) const;
  /// Their values: run.count * columns floats.
  void decode(Rows run, const Encoded& in, float* out) const;
  /// Whether the scales of a run are those of another run before it, too.
  bool shares_scales(Rows run) const { return run.first != 0 && codec_->scale_row_of(run.first) == 0; }

 private:
  std::vector<std::uint8_t> part(nvq::io::part what, const Tensor& t, Rows run) const;
  void expand_scales(std::int64_t first, std::vector<std::uint8_t>& scales) const;

  const Checkpoint& checkpoint_;
  const StoredWeight& weight_;
  std::unique_ptr<Codec> codec_;
  std::int64_t row_step_;
  float scale_;
  bool divides_;
  std::vector<float> nested_map_, nested_factors_;  ///< empty unless the scales are double-quantized
};

}  // namespace app
