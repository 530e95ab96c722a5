// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace app {

/// Largest magnitudes seen at places of a model: what calibration, elsewhere, measured. From a number (the
/// same everywhere), or a file of one positive number a name:
///
/// - JSON: {"model.layers.0.self_attn.q_proj": 12.5, ...}, also inside one object under any key;
/// - safetensors: scalars, or tensors of one element, of a float dtype.
///
/// Names may end as Model Optimizer's quantizers do (".input_quantizer._amax", ".k_bmm_quantizer._amax"); so
/// ended, they mean the input of the module, or its keys or values ("MODULE.k", "MODULE.v").
class AmaxTable {
 public:
  AmaxTable() = default;
  /// `source`: a number or a file's name. A Failure names the entry that is no finite number above or equal
  /// to 0.
  explicit AmaxTable(const std::string& source);

  bool given() const { return given_; }
  /// That of a name, the number that stands for all, or -1.
  float find(const std::string& name) const;

 private:
  void add(std::string name, double value, const std::string& where);
  void read_json(const std::filesystem::path& path);
  void read_safetensors(const std::filesystem::path& path);

  bool given_ = false;
  float everywhere_ = -1.0f;
  std::map<std::string, float> values_;
};

}  // namespace app
