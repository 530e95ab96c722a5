// SPDX-License-Identifier: Apache-2.0
// V3: the layers that engines fuse share their tensor scales.
#include <fmt/format.h>

#include "checks.hpp"
#include "layers.hpp"
#include "scale_stats.hpp"

namespace app::check {

namespace {

std::string tensor_scale_suffix(const Scheme& s) {
  return s.names == Names::modelopt ? "weight_scale_2" : "weight_global_scale";
}

/// Compares one scalar of all members with the first's.
void compare(Context& x, const std::vector<const Module*>& members, const std::string& suffix, bool weights) {
  const Entry* first = nullptr;
  std::vector<float> value;
  for (const Module* m : members) {
    const Entry* t = m->part(suffix);
    if (t == nullptr) continue;
    const auto own = small_values(x.checkpoint, *t);
    if (own.size() != 1 || !(own[0] > 0)) continue;
    if (first == nullptr) {
      first = t;
      value = own;
    } else if (own[0] != value[0]) {
      const double ratio = static_cast<double>(own[0]) / static_cast<double>(value[0]);
      const auto seen =
          fmt::format("{}, and {} has {}: a factor of {:.4g}", own[0], first->name, value[0], ratio);
      if (weights)
        x.findings.error("V3", t->name, seen);
      else
        x.findings.warning("V3", t->name, seen);
    }
  }
}

}  // namespace

void check_groups(Context& x) {
  std::map<std::string, std::vector<const Module*>> groups;
  for (const auto& [name, m] : x.modules)
    if (m.declared && m.quantized() && m.declared->kind == Kind::nvfp4)
      groups[fusion_key(name)].push_back(&m);
  for (const auto& [key, members] : groups) {
    if (members.size() < 2) continue;
    const Scheme& s = *members[0]->declared;
    compare(x, members, tensor_scale_suffix(s), true);
    if (const std::string input(input_scale_suffix(s)); !input.empty()) compare(x, members, input, false);
  }
}

}  // namespace app::check
