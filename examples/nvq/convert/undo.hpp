// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nvq/io/dialect.hpp>
#include <nvq/io/json.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"

namespace app {

/// Metadata of safetensors files, which loaders pass over.
using Metadata = std::vector<std::pair<std::string, std::string>>;

/// What a converted checkpoint cannot say in its own dialect, so that converting back gives the tensors and the
/// configuration there were: in `__metadata__`, the configuration in the first file, and of each tensor that
/// would come out otherwise its type, shape or bits, beside what became of it.
class Undo {
 public:
  /// What an earlier conversion left in a checkpoint; empty when it came from no conversion or from another
  /// dialect than `to`.
  Undo(const Checkpoint& source, nvq::io::dialect to);

  /// What was noted of a tensor; nullptr when it is as the dialect has it. Members: "dtype", "shape", "bits"
  /// and "of" (eight hexadecimal digits each), "absent".
  const nvq::io::json* find(const std::string& name) const;

  /// Whether the configuration is still the one that was written, and so the one before it can be given back.
  bool has_config() const { return config_.is_object(); }
  /// "quantization_config" and "second_config", each may be missing.
  const nvq::io::json& config() const { return config_; }

  /// Metadata without anything of this class.
  static Metadata without(const Metadata& metadata);

 private:
  nvq::io::json config_;
  std::map<std::string, nvq::io::json> tensors_, suffixes_;
};

/// The same, as it is collected.
class UndoNotes {
 public:
  /// `shard` holds what became of the tensor, MODULE plus `suffix`.
  void add(int shard, const std::string& module, const std::string& suffix, nvq::io::json entry);
  /// A tensor that has nothing to be noted; what is noted of a suffix is then no rule for all.
  void plain(const std::string& suffix) { ++seen_[suffix]; }
  /// What the files get: `configuration` into `first`.
  std::map<int, Metadata> metadata(int first, const nvq::io::json& configuration) const;

 private:
  struct Entry {
    int shard;
    std::string module, suffix;
    nvq::io::json what;
  };
  std::vector<Entry> entries_;
  std::map<std::string, std::int64_t> seen_;
};

/// Of a configuration, to see whether it changed.
std::string fingerprint(const nvq::io::json& json);

}  // namespace app
