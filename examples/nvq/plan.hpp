// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/dialect.hpp>
#include <nvq/io/index.hpp>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"

namespace app {

/// One tensor that will be written, and where: its first byte's offset in the output shard.
struct Output {
  std::string name;
  nvq::io::dtype type;
  std::vector<std::int64_t> shape;
  nvq::io::part what = nvq::io::part::codes;  ///< what it holds, when it is part of a quantized weight
  std::int64_t offset = 0;
  std::int64_t bytes = 0;
};

/// What becomes of one source tensor: copied as it is, or replaced by the parts of a quantized weight.
struct Work {
  const Tensor* source = nullptr;
  bool quantize = false;
  int group = -1;                             ///< index of the fused group whose tensor scale it shares
  nvq::io::dtype wide = nvq::io::dtype::f32;  ///< dtype of wide scales
  std::vector<Output> outputs;                ///< one when copied
};

/// Tensors that share one tensor scale. Computed when the first member is written.
struct Group {
  std::vector<const Tensor*> members;
};

struct OutputShard {
  std::string name;
  nvq::io::safetensors_layout layout;
  std::vector<Work> work;  ///< in the order of the source's bytes
};

/// Everything a run will do, from headers and configuration alone: the same wherever it is computed, and no
/// byte of a tensor is read for it.
struct Plan {
  nvq::io::weight_scheme scheme;
  std::vector<OutputShard> shards;
  std::vector<Group> groups;
  std::vector<std::string> ignore;  ///< modules left unquantized, by full name
  std::vector<std::string> notes;   ///< what the user should know about what was kept
  std::int64_t quantized = 0, kept = 0;
  std::int64_t quantized_values = 0;  ///< number of weights
  std::int64_t quantized_bytes = 0;   ///< of their parts in the output
  std::int64_t total_bytes = 0;       ///< of all output tensors

  nvq::io::shard_index index() const;
};

struct PlanOptions {
  nvq::io::weight_scheme scheme;
  std::string recipe;             ///< empty: the format's default
  std::vector<std::string> keep;  ///< globs on module names
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// One output shard per source shard. A Failure when nothing can be quantized, or when the dialect cannot say
/// what is.
Plan make_plan(const Checkpoint& source, const PlanOptions& options);

}  // namespace app
