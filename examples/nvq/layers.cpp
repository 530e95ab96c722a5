// SPDX-License-Identifier: Apache-2.0
#include "layers.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace app {

namespace {

constexpr std::string_view linear_leaves[] = {
    // attention
    "q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "qkv_proj", "wq", "wk", "wv", "wo",
    // attention with low-rank projections
    "q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "wq_a", "wq_b", "wkv", "wkv_b",
    // linear attention
    "in_proj_qkv", "in_proj_z", "in_proj_qkvz",
    // feed-forward and experts
    "gate_proj", "up_proj", "down_proj", "gate_up_proj", "w1", "w2", "w3", "fc1", "fc2"};

/// Each row is fused by engines when its members sit in the same parent module.
constexpr std::array<std::array<std::string_view, 3>, 7> fused_leaves = {{
    {"q_proj", "k_proj", "v_proj"},
    {"wq", "wk", "wv"},
    {"gate_proj", "up_proj", ""},
    {"w1", "w3", ""},
    {"q_a_proj", "kv_a_proj_with_mqa", ""},
    {"wq_a", "wkv", ""},
    {"in_proj_qkv", "in_proj_z", ""},
}};

struct Rule {
  const char* pattern;  ///< matches module + "."
  std::string_view why;
};

/// The modules that published checkpoints leave unquantized and engines expect to be.
constexpr Rule keep_rules[] = {
    {"*lm_head.*", "output head"},
    {"output.*", "output head"},
    {"*output_layer.*", "output head"},
    {"*proj_out.*", "output head"},
    {"*embed*", "embedding"},
    {"*router*", "router"},
    {"*mlp.gate.*", "router"},
    {"*block_sparse_moe.gate.*", "router"},
    {"*shared_expert_gate.*", "router"},
    {"*visual*", "vision"},
    {"*vision_tower*", "vision"},
    {"*vision_model*", "vision"},
    {"*vision_encoder*", "vision"},
    {"*multi_modal_projector*", "vision"},
    {"*audio_tower*", "audio"},
    {"mtp.*", "multi-token prediction"},
    {"*.mtp.*", "multi-token prediction"},
};

/// Classes for reports; the first match wins.
constexpr Rule class_rules[] = {
    {"*visual*", "vision"},
    {"*vision_*", "vision"},
    {"*multi_modal*", "vision"},
    {"*embed*", "embedding"},
    {"*lm_head*", "lm_head"},
    {"output.*", "lm_head"},
    {"mtp.*", "mtp"},
    {"*.mtp.*", "mtp"},
    {"*norm*", "norm"},
    {"*.bias", "bias"},
    {"*router*", "router"},
    {"*mlp.gate.*", "router"},
    {"*sparse_moe.gate.*", "router"},
    {"*shared_expert_gate.*", "router"},
    {"*.experts.*", "experts"},
    {"*attn*", "attention"},
    {"*attention*", "attention"},
    {"*mlp*", "mlp"},
    {"*feed_forward*", "mlp"},
    {"*shared_expert*", "mlp"},
};

}  // namespace

std::string_view leaf(std::string_view module) {
  const auto dot = module.rfind('.');
  return dot == std::string_view::npos ? module : module.substr(dot + 1);
}

bool is_weight(std::string_view name, std::string& module) {
  constexpr std::string_view suffix = ".weight";
  if (name.size() <= suffix.size() || name.substr(name.size() - suffix.size()) != suffix) return false;
  module = std::string(name.substr(0, name.size() - suffix.size()));
  return true;
}

std::int64_t layer_number(std::string_view module) {
  constexpr std::string_view layers = "model.layers.";
  const auto at = module.find(layers);
  if (at == std::string_view::npos || (at != 0 && module[at - 1] != '.')) return -1;
  const std::string_view digits = module.substr(at + layers.size(), 9);
  std::int64_t number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

bool is_linear(std::string_view module) {
  return std::find(std::begin(linear_leaves), std::end(linear_leaves), leaf(module)) !=
         std::end(linear_leaves);
}

std::string_view kept_because(std::string_view module) {
  const std::string name = std::string(module) + '.';
  for (const Rule& r : keep_rules)
    if (glob(r.pattern, name)) return r.why;
  return {};
}

std::string fusion_key(std::string_view module) {
  const std::string_view last = leaf(module);
  for (const auto& row : fused_leaves)
    if (std::find(row.begin(), row.end(), last) != row.end())
      return std::string(module.substr(0, module.size() - last.size())) + std::string(row[0]) + '+';
  return std::string(module);
}

std::string closure_key(std::string_view module) {
  constexpr std::string_view experts = ".experts.";
  const auto at = module.find(experts);
  return at == std::string_view::npos ? fusion_key(module)
                                      : std::string(module.substr(0, at + experts.size())) + '*';
}

std::string_view tensor_class(std::string_view name) {
  for (const Rule& r : class_rules)
    if (glob(r.pattern, name)) return r.why;
  return "other";
}

bool glob(const std::string& pattern, std::string_view name) {
  return ::fnmatch(pattern.c_str(), std::string(name).c_str(), 0) == 0;
}

}  // namespace app
