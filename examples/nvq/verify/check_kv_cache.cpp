// SPDX-License-Identifier: Apache-2.0
// V17: scales of the KV cache.
#include <fmt/format.h>

#include <cmath>

#include "checks.hpp"
#include "layers.hpp"
#include "scale_stats.hpp"

namespace app::check {

namespace {

/// Where producers put the scale of k or v under the module of an attention.
const Entry* scale_of(const Snapshot& c, const std::string& attention, char which) {
  for (const std::string& name :
       {fmt::format("{}.{}_proj.{}_scale", attention, which, which),
        fmt::format("{}.{}_scale", attention, which), fmt::format("{}.attn.{}_scale", attention, which),
        fmt::format("{}.{}_proj.output_scale", attention, which)})
    if (const Entry* t = c.find(name)) return t;
  return nullptr;
}

void check_value(Context& x, const Entry& t) {
  for (const float v : small_values(x.checkpoint, t))
    if (!std::isfinite(v) || v <= 0) {
      x.findings.error("V17", t.name, fmt::format("{}; a scale is finite and positive", v));
      return;
    }
}

}  // namespace

void check_kv_cache(Context& x) {
  std::map<std::string, std::pair<const Entry*, const Entry*>> attentions;
  std::size_t with = 0;
  for (const auto& [name, m] : x.modules) {
    const std::string_view last = leaf(name);
    if ((last != "k_proj" && last != "qkv_proj" && last != "wk") || layer_number(name) < 0 ||
        kept_because(name) == "vision")
      continue;
    const std::string attention = name.substr(0, name.size() - last.size() - 1);
    auto& pair = attentions[attention] = {scale_of(x.checkpoint, attention, 'k'),
                                          scale_of(x.checkpoint, attention, 'v')};
    if (pair.first != nullptr || pair.second != nullptr) ++with;
  }
  if (with == 0) {
    if (x.declared.kv_cache && !x.declared.kv_cache_dynamic && !attentions.empty())
      x.findings.warning("V17", "kv_cache", "declared quantized, but no layer has k_scale and v_scale");
    return;
  }
  if (!x.declared.kv_cache)
    x.findings.warning(
        "V17", "kv_cache",
        fmt::format("{} layers have scales of the KV cache, but the configuration declares none", with));
  for (const auto& [attention, pair] : attentions) {
    for (const auto& [t, which] : {std::pair{pair.first, 'k'}, {pair.second, 'v'}}) {
      if (t == nullptr)
        x.findings.error("V17", fmt::format("{}.{}_scale", attention, which),
                         fmt::format("missing; {} of {} layers have scales", with, attentions.size()));
      else
        check_value(x, *t);
    }
  }
}

}  // namespace app::check
