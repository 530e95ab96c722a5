// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "declared.hpp"
#include "finding.hpp"
#include "modules.hpp"
#include "snapshot.hpp"

namespace app::check {

/// What all checks see. Each adds its findings; the order of the calls is that of the declarations below.
struct Context {
  const Snapshot& checkpoint;
  const Declaration& declared;
  std::map<std::string, Module>& modules;
  Findings& findings;
  std::set<std::string> targets;              ///< loaders asked for; empty: none in particular
  std::vector<std::int64_t> tensor_parallel;  ///< degrees to try
  int threads = 0;

  bool wants(const std::string& loader) const { return targets.count(loader) != 0; }
};

void check_files(Context& x);      ///< V20, N-files
void check_config(Context& x);     ///< V12, V19
void check_shapes(Context& x);     ///< V6, V7, N-parts, N-tail; fills Module::extent and whole
void check_names(Context& x);      ///< V8, V9, V10, V11, V13, V21, V23
void check_skip_list(Context& x);  ///< V24
void check_experts(Context& x);    ///< V2, tensors that some experts lack
void check_scales(Context& x);     ///< V1, V2, V4, V5, V14, V15, N-dead
void check_groups(Context& x);     ///< V3
void check_kv_cache(Context& x);   ///< V17
void check_cuts(Context& x);       ///< V16
void check_targets(Context& x);    ///< N-target

/// Whether an unquantized module contradicts the configuration.
bool should_be_quantized(const Declaration& d, const Module& m);

/// Loaders that check_targets() knows.
const std::vector<std::string>& known_targets();

/// "5, 17, 40 and 3 more".
std::string some_of(const std::vector<std::string>& names);

}  // namespace app::check
