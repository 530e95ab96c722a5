// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan.hpp"

namespace app {

/// The amax of the activations that each module meets, shared by what engines fuse: the largest of the
/// partners'. An expert that calibration never met gets the largest of its siblings of the same kind, and
/// `notes` tell how many there are. A Failure names the module that has none.
std::map<std::string, float> input_amaxes(const std::vector<std::string>& modules, const AmaxTable& table,
                                          std::vector<std::string>& notes);

/// Scales of an FP8 KV cache, decode multipliers amax / 448: a k_scale and a v_scale per attention layer,
/// named as the dialect does. Each goes where its layer's key projection `after` is. A Failure when the model
/// has no such projections, or when the table lacks one.
struct KvScale {
  const Tensor* after;
  Output output;
  float value;
};
std::vector<KvScale> kv_scales(const Checkpoint& source, nvq::io::dialect dialect, const AmaxTable& table);

}  // namespace app
