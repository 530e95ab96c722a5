// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/dialect_parts.hpp>
#include <nvq/io/index.hpp>
#include <nvq/io/quantization.hpp>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <vector>

#include "amax_table.hpp"
#include "checkpoint.hpp"
#include "rules.hpp"
#include "weight_source.hpp"

namespace app {

/// One tensor that will be written, or a slice of one, and where: its first byte's offset in the output shard.
struct Output {
  std::string name;
  nvq::io::dtype type;
  std::vector<std::int64_t> shape;            ///< of the whole tensor
  nvq::io::part what = nvq::io::part::codes;  ///< what it holds, when it is part of a quantized weight
  std::int64_t offset = 0;
  std::int64_t bytes = 0;  ///< of the slice
};

/// What becomes of one source tensor or slice of one: copied as it is, or replaced by the parts of a quantized
/// weight. A work without a source is a number of its own.
struct Work {
  const Tensor* source = nullptr;             ///< nullptr: `constant` is all there is
  WeightSource weight;                        ///< when quantized
  int treatment = -1;                         ///< index into Rules::treatments; -1: copied
  int group = -1;                             ///< index of the fused group whose tensor scale it shares
  nvq::io::dtype wide = nvq::io::dtype::f32;  ///< dtype of wide scales
  float input_amax = -1;                      ///< of the activations, when they are calibrated
  float constant = 0;
  std::vector<Output> outputs;  ///< one when copied

  bool quantized() const { return treatment >= 0; }
  /// Bytes of the source.
  std::int64_t bytes() const { return source == nullptr ? 0 : quantized() ? weight.bytes() : source->bytes; }
};

/// Weights that share one tensor scale. Computed when the first member is written.
struct Group {
  std::vector<WeightSource> members;
};

struct OutputShard {
  std::string name;
  nvq::io::safetensors_layout layout;
  std::vector<Work> work;  ///< in the order of the source's bytes
};

/// Everything a run will do, from headers and configuration alone: the same wherever it is computed, and no
/// byte of a tensor is read for it.
struct Plan {
  Rules rules;
  std::vector<OutputShard> shards;
  std::vector<Group> groups;
  nvq::io::quantization description;  ///< what the configuration will say
  std::vector<std::string> notes;     ///< what the user should know about what was kept
  std::int64_t quantized = 0, kept = 0;
  std::int64_t quantized_values = 0;  ///< number of weights
  std::int64_t quantized_bytes = 0;   ///< of their parts in the output
  std::int64_t total_bytes = 0;       ///< of all output tensors

  const Treatment& treatment(const Work& w) const {
    return rules.treatments[static_cast<std::size_t>(w.treatment)];
  }
  nvq::io::shard_index index() const;
};

struct PlanOptions {
  Rules rules;
  std::string family;         ///< model_type to take instead of the configuration's
  AmaxTable activation_amax;  ///< for calibrated activations
  AmaxTable kv_amax;          ///< when given, scales of an FP8 KV cache are written
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// One output shard per source shard. A Failure when nothing can be quantized, when layers that engines fuse
/// would be quantized apart, or when the dialect cannot say what is.
Plan make_plan(const Checkpoint& source, const PlanOptions& options);

}  // namespace app
