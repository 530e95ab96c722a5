// SPDX-License-Identifier: Apache-2.0
// Repairs of scales that need no source: activation scales that are missing, tensor scales that differ.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/element.hpp>
#include <optional>

#include "fix.hpp"
#include "layers.hpp"
#include "scale_stats.hpp"

namespace app::check {

namespace {

std::vector<std::uint8_t> bytes_of(float x) {
  std::vector<std::uint8_t> b(4);
  std::memcpy(b.data(), &x, 4);
  return b;
}

bool usable(const Snapshot& c, const Entry& t) {
  const auto values = small_values(c, t);
  return !values.empty() &&
         std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v) && v > 0; });
}

/// An NVFP4 weight and its decode multiplier as a power-of-two multiple of others.
struct Member {
  const Module* module;
  const Entry* tensor_scale;
  const Entry* block_scales;
  float stored;
};

/// E4M3 codes times 2^by, when all of them hold it exactly.
std::optional<std::vector<std::uint8_t>> scaled(const std::vector<std::uint8_t>& codes, int by) {
  std::vector<std::uint8_t> all;
  all.reserve(codes.size());
  for (const std::uint8_t code : codes) {
    const float want = std::ldexp(nvq::E4M3::decode(code), by);
    const std::uint8_t out = nvq::E4M3::encode(want);
    if (nvq::E4M3::decode(out) != want) return std::nullopt;
    all.push_back(out);
  }
  return all;
}

/// log2 of a / b when that is a whole number.
std::optional<int> power(float a, float b) {
  int x, y;
  const float m = std::frexp(a, &x), n = std::frexp(b, &y);
  if (m != n) return std::nullopt;
  return x - y;
}

/// Brings all members to the tensor scale of one of them.
bool bring_to(const Snapshot& c, const std::vector<Member>& members, const Member& target, bool divides,
              Patches& patches) {
  Patches all = patches;
  for (const Member& m : members) {
    if (m.stored == target.stored) continue;
    const auto p = divides ? power(target.stored, m.stored) : power(m.stored, target.stored);
    if (!p) return false;
    auto scales = scaled(c.read(*m.block_scales, Reading::scales), *p);
    if (!scales) return false;
    all.add(c, *m.block_scales, *std::move(scales));
    all.add(c, *m.tensor_scale, bytes_of(target.stored));
  }
  patches = std::move(all);
  return true;
}

}  // namespace

void fix_input_scales(const Opened& c, float value, FixLog& log) {
  std::vector<nvq::io::tensor_spec> specs;
  std::vector<std::vector<std::uint8_t>> data;
  Patches patches;
  std::size_t replaced = 0;
  for (const auto& [name, m] : c.modules) {
    if (!m.declared || !m.quantized() || c.declared.ignored(name)) continue;
    const std::string suffix(input_scale_suffix(*m.declared));
    if (suffix.empty()) continue;
    const bool divides = suffix == "input_global_scale";
    const float stored = divides ? 1.0f / value : value;
    const Entry* t = m.part(suffix);
    if (t == nullptr) {
      std::vector<std::int64_t> shape;
      if (m.declared->names == Names::compressed_tensors) shape.push_back(1);
      specs.push_back({name + '.' + suffix, nvq::io::dtype::f32, shape});
      data.push_back(bytes_of(stored));
    } else if (t->type == nvq::io::dtype::f32 && t->values() == 1 && t->complete &&
               !usable(c.checkpoint, *t)) {
      patches.add(c.checkpoint, *t, bytes_of(stored));
      ++replaced;
    } else if (!usable(c.checkpoint, *t)) {
      log.refused.push_back("input-scale: " + t->name + " is no single F32");
    }
  }
  Replacement files(c.checkpoint.directory());
  patches.apply(c.checkpoint, files);
  std::string shard;
  if (!specs.empty()) {
    shard = files.added(specs, data);
    files.text(index_file, index_text(c.checkpoint, shard, specs));
  }
  files.commit();
  if (replaced != 0)
    log.done.push_back(
        fmt::format("input-scale: replaced {} that were not finite and positive by {}", replaced, value));
  if (specs.empty()) return;
  log.done.push_back(fmt::format("input-scale: added {} of {} in {}", specs.size(), value, shard));
}

void fix_shared_scales(const Opened& c, FixLog& log) {
  std::map<std::string, std::vector<Member>> groups;
  bool divides = false;
  for (const auto& [name, m] : c.modules) {
    if (!m.declared || !m.whole || !shares_tensor_scale(*m.declared)) continue;
    divides = m.declared->names == Names::compressed_tensors;
    const Entry* scale = m.part(divides ? "weight_global_scale" : "weight_scale_2");
    const Entry* blocks = m.part("weight_scale");
    const auto value = scale == nullptr ? std::vector<float>() : small_values(c.checkpoint, *scale);
    if (value.size() != 1 || !std::isfinite(value[0]) || value[0] <= 0 || blocks == nullptr) continue;
    groups[fusion_key(name)].push_back({&m, scale, blocks, value[0]});
  }
  Patches patches;
  std::size_t repaired = 0;
  for (auto& group : groups) {
    std::vector<Member>& members = group.second;  // clang 14 captures no structured bindings
    const auto differs = [&](const Member& m) { return m.stored != members[0].stored; };
    if (std::none_of(members.begin(), members.end(), differs)) continue;
    // The largest multiplier first: block scales shrink, and only subnormal ones lose bits.
    std::sort(members.begin(), members.end(), [&](const Member& a, const Member& b) {
      return divides ? a.stored < b.stored : a.stored > b.stored;
    });
    const bool done = std::any_of(members.begin(), members.end(), [&](const Member& target) {
      return bring_to(c.checkpoint, members, target, divides, patches);
    });
    if (done) {
      ++repaired;
      continue;
    }
    const float first = members.front().stored, last = members.back().stored;
    log.refused.push_back(fmt::format(
        "shared-scales: {} and {} differ by a factor of {:.6g}; {}", members.front().module->name,
        members.back().module->name, static_cast<double>(divides ? last / first : first / last),
        power(first, last) ? "the E4M3 block scales have no room for it"
                           : "E4M3 block scales take up powers of two only: quantize this group again"));
  }
  if (repaired == 0) return;
  Replacement files(c.checkpoint.directory());
  patches.apply(c.checkpoint, files);
  files.commit();
  log.done.push_back(
      fmt::format("shared-scales: {} groups have one tensor scale now; block scales took up powers of two, "
                  "decoded weights are the same",
                  repaired));
}

}  // namespace app::check
