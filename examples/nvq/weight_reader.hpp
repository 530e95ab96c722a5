// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint.hpp"
#include "codec.hpp"
#include "stored.hpp"
#include "stored_reader.hpp"
#include "tensor_io.hpp"
#include "weight_source.hpp"

namespace app {

/// A weight of a checkpoint as it was before it was quantized: a matrix of numbers under its own name. A plain
/// stack of experts is one weight per expert and projection, named as the quantizer names it; tensors of other
/// ranks are matrices of their last dimension.
struct Weight {
  std::string name;  ///< "model.layers.0.mlp.up_proj.weight", also where it is stored in parts
  std::int64_t rows = 0, columns = 0;
  std::int64_t bytes = 0;  ///< of all its parts
  std::string format;      ///< "nvfp4", or "BF16" where it is not quantized
  WeightSource plain;      ///< where it is not quantized
  const StoredWeight* stored = nullptr;
  std::shared_ptr<const StoredReader> reader;  ///< of a stored one
};

/// Rows of a weight, and what there is to know of how they were quantized.
struct DecodedRows {
  std::vector<float> values;
  /// Where codes end: the smallest and the largest value that each could have had under its scale. Empty for
  /// weights that are not quantized.
  std::vector<float> low, high;
  /// The scales of these rows as they are stored; where rows share a scale, those that begin with it have it.
  std::vector<std::uint8_t> scales;
  Encoded encoded, ends;            ///< scratch
  std::vector<std::uint8_t> bytes;  ///< scratch
};

/// Reads the weights of any checkpoint as floats, whether they are stored plain or quantized, in any dialect
/// that stored_quantization() knows. Nothing but headers is held.
class WeightReader {
 public:
  /// A Failure when the configuration names a scheme that is not known, or the tensors do not fit it.
  explicit WeightReader(const Checkpoint& checkpoint);
  WeightReader(const WeightReader&) = delete;

  /// Weights of floating point, by name.
  const std::map<std::string, Weight>& weights() const { return weights_; }
  /// nullptr when there is none.
  const Weight* find(const std::string& name) const;
  /// What the quantized weights are stored as; empty when none is.
  const std::string& format() const { return format_; }

  /// Runs of rows must begin at a multiple of this.
  static std::int64_t row_step(const Weight& w) { return w.reader ? w.reader->row_step() : 1; }
  /// Decodes rows to `out.values`; everything else in it where `all`. Any thread may call it.
  void read(const Weight& w, Rows run, bool all, DecodedRows& out) const;
  /// The type of `out.scales`; nullptr for a weight that has none.
  const Tensor* scales_of(const Weight& w) const;

 private:
  void read_plain(const Weight& w, Rows run, DecodedRows& out) const;
  void read_stored(const Weight& w, Rows run, bool all, DecodedRows& out) const;

  const Checkpoint& source_;
  std::map<std::string, StoredWeight> stored_;
  std::map<std::string, Weight> weights_;
  std::string format_;
};

}  // namespace app
