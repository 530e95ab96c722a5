// SPDX-License-Identifier: Apache-2.0
#include "input_bound.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "layers.hpp"
#include "scale_stats.hpp"

namespace app::check {

namespace {

/// Beyond the range of half precision several times.
constexpr double without_norm = 65504.0 * 4;
/// Input scales of 1 are written where nobody calibrated, and reach 2688.
constexpr double never_below = 4096;
/// Multipliers after the norm, and margins of calibrators.
constexpr double slack = 8;

/// The norm before a module, by the names of Llama and its kin; empty when that is not certain.
std::string norm_before(const Snapshot& c, const Module& m) {
  static const std::set<std::string_view> attention = {"q_proj", "k_proj", "v_proj", "qkv_proj"},
                                          feed_forward = {"gate_proj", "up_proj", "gate_up_proj", "w1", "w3"};
  const std::string_view last = leaf(m.name);
  const auto layer = [&](const char* part) {
    const auto at = m.name.find(part);
    return at == std::string::npos ? std::string() : m.name.substr(0, at + 1);
  };
  const auto has = [&](const std::string& norm) { return c.find(norm + ".weight") != nullptr; };
  if (attention.count(last) != 0) {
    const std::string l = layer(".self_attn.");
    return l.empty() ? l : l + "input_layernorm";
  }
  if (feed_forward.count(last) == 0) return {};
  std::string l = layer(".mlp.");
  if (l.empty()) l = layer(".block_sparse_moe.");
  if (l.empty() || !has(l + "input_layernorm")) return {};
  if (has(l + "pre_feedforward_layernorm")) return l + "pre_feedforward_layernorm";
  // With a norm after the feed-forward layer, that "after attention" is one of outputs too.
  return has(l + "post_feedforward_layernorm") ? std::string() : l + "post_attention_layernorm";
}

double largest(const std::vector<float>& values) {
  double all = 0;
  for (const float x : values) all = std::max(all, std::fabs(static_cast<double>(x)));
  return all;
}

}  // namespace

double largest_input(const Snapshot& c, const Module& m, double implied) {
  if (implied <= never_below) return never_below;
  if (m.part("pre_quant_scale") != nullptr) return without_norm;
  const std::string norm = norm_before(c, m);
  const Entry* weight = norm.empty() ? nullptr : c.find(norm + ".weight");
  if (weight == nullptr) return without_norm;
  const auto gamma = small_values(c, *weight);
  if (static_cast<std::int64_t>(gamma.size()) != m.extent.columns || gamma.empty()) return without_norm;
  // Some store the weight less 1.
  double bound = std::sqrt(static_cast<double>(gamma.size())) * (1 + largest(gamma));
  if (const Entry* bias = c.find(norm + ".bias")) bound += largest(small_values(c, *bias));
  if (!std::isfinite(bound)) return without_norm;
  return std::min(without_norm, std::max(never_below, slack * bound));
}

}  // namespace app::check
