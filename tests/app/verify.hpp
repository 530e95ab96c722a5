// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app.hpp"

// Small checkpoints of every dialect, made from their published tables of names, dtypes and shapes, without
// nvq; and what the tests of `nvq verify` share.

namespace test {

/// A checkpoint in memory, to be spoiled and written.
struct Ckpt {
  Tensors tensors;
  json config;
  json hf_quant_config;  ///< null: there is none

  /// One file, or two with an index.
  void write(const fs::path& directory, bool sharded = false) const;
  Raw& operator[](const std::string& name);  ///< must exist
  json& q() { return config["quantization_config"]; }
};

/// A two-layer Llama with hidden size 128, or with four experts in every layer.
Ckpt plain_model(bool experts = false);
/// Names of its linear layers but the head and routers.
std::vector<std::string> linear_layers(const Ckpt& plain);

/// Every dialect by name, in the order of the docs.
std::vector<std::string> dialect_names();
Ckpt checkpoint_of(const std::string& dialect, bool experts = false);
/// 4-bit integers whose scales differ, and with g_idx in order, as writers have it.
Ckpt in_order(Ckpt c);

Raw scalar(float value, bool rank_one = false);
Raw random_bytes(const std::string& dtype, std::vector<std::int64_t> shape, int seed, int low = 0,
                 int high = 255);
Raw constant(const std::string& dtype, std::vector<std::int64_t> shape, float value);

/// What `nvq verify --json -` said.
struct Verdict {
  int status = 0;
  json report;
  std::string err;

  bool found(const std::string& rule, const std::string& subject) const;
  bool found(const std::string& rule) const;
  /// "V3 name: seen" of all, for messages.
  std::string all() const;
};
Verdict examine(const fs::path& directory, std::vector<std::string> more = {});
/// Writes a checkpoint to a fresh directory and examines it.
Verdict examine(const Ckpt& c, std::vector<std::string> more = {});

}  // namespace test
