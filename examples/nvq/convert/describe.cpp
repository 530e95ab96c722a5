// SPDX-License-Identifier: Apache-2.0
#include "convert/describe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "failure.hpp"
#include "layers.hpp"
#include "version.hpp"

namespace app {

namespace {

using nvq::io::dialect;

bool is_stack(const Tensor& t) { return t.shape.size() == 3 && closure_key(t.name).back() == '*'; }

/// Modules that stay as they are and that a reader could take for linear layers; all that have a weight go
/// into `modules`.
std::vector<std::string> plain_modules(const Checkpoint& source, dialect to,
                                       const std::map<std::string, nvq::io::weight_scheme>& schemes,
                                       std::set<std::string>& modules) {
  std::vector<std::string> all;
  std::string module;
  for (const Tensor& t : source.tensors()) {
    if (is_stack(t)) {
      module = t.name.substr(0, t.name.rfind('.'));
      if (all.empty() || all.back() != module) all.push_back(module);
      continue;
    }
    if (t.shape.size() < 2 || !is_weight(t.name, module) || schemes.count(module) != 0) continue;
    modules.insert(module);
    const std::string_view kind = tensor_class(module);
    if (kind == "norm" || (kind == "embedding" && to != dialect::compressed_tensors)) continue;
    all.push_back(module);
  }
  return all;
}

std::vector<std::string> ignored(const Checkpoint& source, const nvq::io::quantization& before, dialect to,
                                 const std::map<std::string, nvq::io::weight_scheme>& schemes) {
  std::set<std::string> modules;
  const std::vector<std::string> plain = plain_modules(source, to, schemes, modules);
  std::vector<std::string> all;
  std::set<std::string> there;
  // A tied head has no tensor, but is listed.
  for (const std::string& entry : before.ignore)
    if ((modules.count(entry) != 0 || entry == "lm_head") && schemes.count(entry) == 0 &&
        there.insert(entry).second)
      all.push_back(entry);
  for (const std::string& module : plain)
    if (there.insert(module).second) all.push_back(module);
  return all;
}

/// Engines take an entry of most dialects' lists for a substring or a prefix.
void check_substrings(const nvq::io::quantization& q,
                      const std::map<std::string, nvq::io::weight_scheme>& schemes) {
  if (q.owner == dialect::compressed_tensors) return;
  for (const std::string& entry : q.ignore)
    for (const auto& [module, scheme] : schemes)
      if (module.find(entry) != std::string::npos)
        throw Failure(
            fmt::format("engines that read the {} dialect would take the unquantized '{}' for '{}' as "
                        "well; use --to compressed-tensors",
                        nvq::io::name(q.owner), entry, module));
}

}  // namespace

nvq::io::quantization describe(const Checkpoint& source, const nvq::io::quantization& before, dialect to,
                               const std::map<std::string, nvq::io::weight_scheme>& schemes) {
  nvq::io::quantization q;
  q.owner = to;
  q.ignore = ignored(source, before, to, schemes);
  q.fp8_kv_cache = before.fp8_kv_cache;
  q.version = version_text();
  for (const auto& [module, scheme] : schemes) {
    auto use =
        std::find_if(q.uses.begin(), q.uses.end(), [&s = scheme](const auto& u) { return u.scheme == s; });
    if (use == q.uses.end()) use = q.uses.insert(use, {scheme, {}});
    use->targets.push_back(module);
  }
  const bool many = to == dialect::compressed_tensors || to == dialect::modelopt;
  if (!many && q.uses.size() > 1)
    throw Failure(fmt::format(
        "{}: '{}' and '{}' are quantized differently, and the dialect {} has one format "
        "for all; use --to compressed-tensors",
        source.directory().string(), q.uses[0].targets[0], q.uses[1].targets[0], nvq::io::name(to)));
  std::stable_sort(q.uses.begin(), q.uses.end(),
                   [](const auto& a, const auto& b) { return a.targets.size() > b.targets.size(); });
  // MIXED_PRECISION names every layer.
  if (q.uses.size() == 1 || to != dialect::modelopt) q.uses.front().targets.clear();
  check_substrings(q, schemes);
  return q;
}

}  // namespace app
