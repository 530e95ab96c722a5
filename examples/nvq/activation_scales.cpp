// SPDX-License-Identifier: Apache-2.0
#include "activation_scales.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::dialect;

/// Experts of a layer that do the same; empty for what is no expert.
std::string sibling_key(const std::string& module) {
  const std::string closure = closure_key(module);
  return closure.back() == '*' ? closure + std::string(leaf(module)) : std::string();
}

}  // namespace

std::map<std::string, float> input_amaxes(const std::vector<std::string>& modules, const AmaxTable& table,
                                          std::vector<std::string>& notes) {
  std::map<std::string, float> of_fused, of_siblings;
  const auto take = [](std::map<std::string, float>& map, const std::string& key, float amax) {
    float& known = map.emplace(key, -1.0f).first->second;
    known = std::max(known, amax);
  };
  for (const std::string& module : modules) {
    const float amax = table.find(module);
    if (amax <= 0) continue;
    take(of_fused, fusion_key(module), amax);
    if (const std::string key = sibling_key(module); !key.empty()) take(of_siblings, key, amax);
  }
  std::map<std::string, float> all;
  std::int64_t dead = 0;
  std::string example;
  for (const std::string& module : modules) {
    auto at = of_fused.find(fusion_key(module));
    if (at == of_fused.end()) {
      at = of_siblings.find(sibling_key(module));
      if (at == of_siblings.end())
        throw Failure("--activation-amax: there is no amax above 0 for the input of '" + module +
                      "'; measure it, keep the layer with --keep, or give one number for all layers");
      if (dead++ == 0) example = module;
    }
    all.emplace(module, at->second);
  }
  if (dead != 0)
    notes.push_back(fmt::format(
        "{} experts met no tokens when activations were measured (such as {}); they got the largest amax of "
        "their siblings",
        dead, example));
  return all;
}

std::vector<KvScale> kv_scales(const Checkpoint& source, dialect d, const AmaxTable& table) {
  if (d != dialect::compressed_tensors && d != dialect::modelopt)
    throw Failure(std::string("--kv-amax: the dialect ") + nvq::io::name(d) +
                  " has no scales of a KV cache; use compressed-tensors or modelopt");
  std::vector<KvScale> all;
  std::string module;
  for (const Tensor& t : source.tensors()) {
    if (!is_weight(t.name, module) || !app::kept_because(module).empty()) continue;
    const std::string_view last = leaf(module);
    if (last != "k_proj" && last != "qkv_proj" && last != "wk") continue;
    const std::string attention = module.substr(0, module.size() - last.size() - 1);
    for (const char* which : {"k", "v"}) {
      const float amax = table.find(attention + '.' + which);
      if (amax <= 0)
        throw Failure(
            fmt::format("--kv-amax: there is no amax above 0 for '{}.{}'; measure it, or give one "
                        "number for all layers",
                        attention, which));
      KvScale scale{&t, {}, amax / 448.0f};
      scale.output.type = nvq::io::dtype::f32;
      if (d == dialect::modelopt) {
        scale.output.name = fmt::format("{0}.{1}_proj.{1}_scale", attention, which);
      } else {
        scale.output.name = fmt::format("{}.{}_scale", attention, which);
        scale.output.shape = {1};
      }
      all.push_back(std::move(scale));
    }
  }
  if (all.empty())
    throw Failure("--kv-amax: the model has no key projections (k_proj, qkv_proj, wk) to put scales beside");
  return all;
}

}  // namespace app
