// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan.hpp"

namespace app {

/// Decides, module by module, what is quantized and how. Keeps the reasons, so that they can be told once and
/// not per tensor. Modules that engines fuse are decided together: one that cannot be quantized keeps its
/// partners as they are, and rules that tell them apart are a Failure.
class Selection {
 public:
  Selection(const Checkpoint& source, const PlanOptions& options);

  /// The matrices of a tensor that will be quantized: all it is made of, or none.
  const std::vector<WeightSource>& quantized(const Tensor& t) const;
  /// The treatment of a quantized module.
  int treatment(const std::string& module) const { return chosen_.at(module); }
  /// Quantized modules and their treatments.
  const std::map<std::string, int>& chosen() const { return chosen_; }
  /// Full names of the modules that stay as they are although they are matrices, as the dialect lists them.
  std::vector<std::string> ignored() const;
  std::vector<std::string> notes() const;

 private:
  void consider(const WeightSource& w);
  std::string kept_because(const WeightSource& w, const Rule& rule);
  bool matches(const std::string& pattern) const;  ///< any module, quantized or not
  void tell(const std::string& why, const std::string& example) { told_.emplace(why, example); }

  const Checkpoint& source_;
  const PlanOptions& options_;
  std::int64_t layers_ = -1;
  bool output_gate_ = false;
  std::map<const Tensor*, std::vector<WeightSource>> matrices_;
  std::map<std::string, int> chosen_;
  std::map<std::string, std::string> blocked_;  ///< closure key to reason
  std::map<std::string, std::string> told_;
};

}  // namespace app
