// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "codec.hpp"
#include "stored.hpp"
#include "tensor_io.hpp"
#include "weight_source.hpp"

namespace app {

/// Reads rows of a weight of any checkpoint as floats, from any thread: plain ones as they are, quantized ones
/// decoded. Holds nothing of the weight unless its dialect stores codes across rows (GPTQ, AWQ).
class WeightReader {
 public:
  WeightReader(const Checkpoint& checkpoint, WeightSource weight);
  WeightReader(const Checkpoint& checkpoint, StoredWeight weight);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  /// Runs of rows must begin at a multiple of it.
  std::int64_t row_step() const { return row_step_; }
  /// Whether the weight's codes lie across rows: then open() loads them all, before the first read().
  bool spans_rows() const { return spans_rows_; }
  void open();

  /// A Failure when a value of a plain weight is NaN or infinite, or a tensor scale is no positive number.
  void read(Rows run, std::vector<float>& out) const;

 private:
  void read_encoded(Rows run, Encoded& encoded) const;

  const Checkpoint& checkpoint_;
  WeightSource plain_;
  StoredWeight stored_;
  std::shared_ptr<const Codec> codec_;  ///< nullptr: plain
  std::int64_t rows_ = 0, columns_ = 0, row_step_ = 1;
  float scale_ = 1.0f;
  bool spans_rows_ = false;
  Encoded whole_;
};

}  // namespace app
