// SPDX-License-Identifier: Apache-2.0
// V16: where tensor parallelism cuts.
#include <fmt/format.h>

#include <set>

#include "checks.hpp"
#include "layers.hpp"

namespace app::check {

namespace {

/// Cut along `in`; the other linear layers are cut along `out`.
bool row_parallel(std::string_view module) {
  static const std::set<std::string_view> leaves = {"o_proj", "out_proj", "wo", "down_proj", "w2", "fc2"};
  return leaves.count(leaf(module)) != 0;
}

/// Every rank has a copy of these.
bool replicated(std::string_view module, std::int64_t kv_heads, std::int64_t ranks) {
  const std::string_view last = leaf(module);
  if (last == "q_a_proj" || last == "kv_a_proj_with_mqa" || last == "wq_a" || last == "wkv") return true;
  return (last == "k_proj" || last == "v_proj" || last == "wk" || last == "wv") && kv_heads > 0 &&
         kv_heads < ranks;
}

/// Why a length cannot be cut; empty when it can.
std::string cut(std::int64_t length, std::int64_t ranks, std::int64_t group, const char* what) {
  if (length % ranks != 0) return fmt::format("{} {} over {} ranks is no whole number", what, length, ranks);
  if (length / ranks % group != 0)
    return fmt::format("{} {} over {} ranks is {}, no multiple of {}", what, length, ranks, length / ranks,
                       group);
  return {};
}

}  // namespace

void check_cuts(Context& x) {
  const std::int64_t kv_heads = number_at(text_config(x.checkpoint.config()), "num_key_value_heads");
  for (const std::int64_t ranks : x.tensor_parallel) {
    if (ranks < 2) continue;
    for (const auto& [name, m] : x.modules) {
      if (!m.declared || m.extent.rows == 0 || !m.quantized() || replicated(name, kv_heads, ranks)) continue;
      const Scheme& s = *m.declared;
      const std::int64_t tile = s.kind == Kind::fp8_block                     ? s.tile_rows
                                : s.kind == Kind::gptq || s.kind == Kind::awq ? 32 / s.bits
                                                                              : 1;
      const bool along_in = row_parallel(name);
      std::string why = along_in ? cut(m.extent.columns, ranks, column_group(s), "in =")
                                 : cut(m.extent.rows, ranks, tile, "out =");
      if (!why.empty()) {
        x.findings.error("V16", name, fmt::format("--tp {}: {}", ranks, why));
        continue;
      }
      // Weight-only 4-bit layers run on Marlin kernels, in tiles of 64 output features.
      const bool marlin = s.bits == 4 && s.activations == Activations::none && x.wants("vllm");
      why = marlin && !along_in ? cut(m.extent.rows, ranks, 64, "out =") : std::string();
      if (!why.empty())
        x.findings.warning("V16", name, fmt::format("--tp {}: {} (Marlin's tile)", ranks, why));
    }
  }
}

}  // namespace app::check
