// SPDX-License-Identifier: Apache-2.0
#include "report/record.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace app::report {

namespace {

std::string module_of(const std::string& name) {
  const std::string suffix = ".weight";
  const bool ends =
      name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
  return ends ? name.substr(0, name.size() - suffix.size()) : name;
}

/// The larger, or whichever is known.
double larger(double a, double b) { return std::isnan(a) ? b : std::isnan(b) ? a : std::max(a, b); }
std::int64_t sum_known(std::int64_t a, std::int64_t b) { return a < 0 || b < 0 ? -1 : a + b; }

/// "model.layers.0.mlp.{gate_proj, up_proj}"; `key` where they do not lie side by side.
std::string label_of(const std::vector<std::string>& modules, const std::string& key) {
  if (modules.size() == 1) return modules[0];
  const std::string parent = modules[0].substr(0, modules[0].rfind('.') + 1);
  std::string leaves;
  for (const std::string& m : modules) {
    if (m.compare(0, parent.size(), parent) != 0 || m.find('.', parent.size()) != std::string::npos)
      return key;
    leaves += (leaves.empty() ? "" : ", ") + m.substr(parent.size());
  }
  return parent + '{' + leaves + '}';
}

}  // namespace

double TensorRecord::sqnr_db() const {
  return noise == 0 ? std::numeric_limits<double>::infinity() : 10.0 * std::log10(signal / noise);
}

double TensorRecord::cosine() const {
  if (std::isnan(decoded) || std::isnan(product)) return unknown;
  if (noise == 0) return 1;
  if (signal == 0 || decoded == 0) return 0;
  return product / (std::sqrt(signal) * std::sqrt(decoded));
}

std::string leaf_of(const std::string& name) {
  const std::string module = module_of(name);
  return module.substr(module.rfind('.') + 1);
}

TensorRecord merged(const std::vector<const TensorRecord*>& tensors) {
  TensorRecord all;
  all.decoded = all.product = 0;
  all.clipped = all.flushed = 0;
  for (const TensorRecord* t : tensors) {
    all.values += t->values;
    all.bytes += t->bytes;
    all.wide_bytes += t->wide_bytes;
    all.signal += t->signal;
    all.noise += t->noise;
    all.decoded += t->decoded;
    all.product += t->product;
    all.max_error = larger(all.max_error, t->max_error);
    all.amax = larger(all.amax, t->amax);
    all.clipped = sum_known(all.clipped, t->clipped);
    all.flushed = sum_known(all.flushed, t->flushed);
    all.not_finite += t->not_finite;
  }
  return all;
}

std::vector<KeepChoice> keep_choices(const std::vector<TensorRecord>& tensors) {
  struct Leaf {
    double nmse = 0;
    int count = 0;
  };
  struct Group {
    std::map<std::string, Leaf> leaves;
    KeepChoice choice;
  };
  std::map<std::string, Group> groups;
  for (const TensorRecord& t : tensors) {
    if (t.noise == 0 || t.wide_bytes <= t.bytes) continue;
    const std::string module = module_of(t.name);
    Group& g = groups[t.group.empty() ? module : t.group];
    Leaf& leaf = g.leaves[leaf_of(t.name)];
    // Of a weight that was all zeros and is not any more, noise over signal is infinite.
    leaf.nmse += std::isfinite(t.nmse()) ? t.nmse() : 1.0;
    ++leaf.count;
    g.choice.modules.push_back(module);
    g.choice.extra_bytes += t.wide_bytes - t.bytes;
  }
  double total = 0;
  std::vector<KeepChoice> all;
  for (auto& [key, g] : groups) {
    for (const auto& [name, leaf] : g.leaves) g.choice.share += leaf.nmse / leaf.count;
    total += g.choice.share;
    g.choice.group = label_of(g.choice.modules, key);
    all.push_back(std::move(g.choice));
  }
  for (KeepChoice& c : all) c.share /= total;
  std::stable_sort(all.begin(), all.end(), [](const KeepChoice& a, const KeepChoice& b) {
    return a.share / static_cast<double>(a.extra_bytes) > b.share / static_cast<double>(b.extra_bytes);
  });
  return all;
}

}  // namespace app::report
