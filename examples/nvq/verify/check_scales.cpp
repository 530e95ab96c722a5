// SPDX-License-Identifier: Apache-2.0
// The values of scales: of blocks, of tensors, of activations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "checks.hpp"
#include "input_bound.hpp"
#include "parallel.hpp"
#include "scale_stats.hpp"

namespace app::check {

namespace {

/// Weights with a larger magnitude do not occur; a tensor scale that implies one points the wrong way.
constexpr double largest_weight = 2688;

struct Job {
  const Module* module;
  const PartSpec part;
  const Entry* tensor;
  ScaleStats stats;
};

/// Tensors with scales whose dtype is as declared; others have a finding already.
std::vector<Job> jobs_of(Context& x) {
  std::vector<Job> jobs;
  for (const auto& [name, m] : x.modules) {
    if (!m.declared || !m.quantized() || m.extent.rows == 0) continue;
    for (PartSpec& p : parts_of(*m.declared, m.extent)) {
      if (p.role != Role::scales && p.role != Role::tensor_scale) continue;
      const Entry* t = m.part(p.suffix);
      if (t == nullptr || std::find(p.types.begin(), p.types.end(), t->type) == p.types.end()) continue;
      jobs.push_back({&m, std::move(p), t, {}});
    }
  }
  return jobs;
}

/// Tensor scales of NVFP4 are one number in a stated direction.
void judge_tensor_scale(Context& x, const Job& j) {
  const auto values = small_values(x.checkpoint, *j.tensor);
  for (const float v : values) {
    if (!std::isfinite(v) || v <= 0) {
      x.findings.error("V15", j.tensor->name, fmt::format("{}; a tensor scale is finite and positive", v));
      continue;
    }
    const bool divides = j.part.suffix == "weight_global_scale";
    const double amax = divides ? 2688.0 / static_cast<double>(v) : 2688.0 * static_cast<double>(v);
    if (amax > largest_weight)
      x.findings.error("V4", j.tensor->name,
                       fmt::format("{} {}, so the largest weight would be {:.3g}",
                                   divides ? "divides by" : "multiplies by", v, amax));
  }
}

/// What owners store for blocks of zeros: ModelOpt 1, compressed-tensors 0.125, torchao 2^-6, all of MX 2^-127. A
/// live weight has its largest value in some block, whose scale is another.
bool of_zeros(const Job& j) {
  if (j.part.role != Role::scales || j.stats.count < 16) return false;
  if (j.tensor->type == nvq::io::dtype::f8_e4m3)
    return j.stats.only == 0x38 || j.stats.only == 0x20 || j.stats.only == 0x08;
  return j.stats.only == 0;
}

void judge_scales(Context& x, const Job& j) {
  const ScaleStats& s = j.stats;
  const bool byte_scales = nvq::io::bits(j.tensor->type) == 8;
  if (!s.read || s.count == 0) return;
  if (j.module->declared->kind == Kind::bnb4 && j.tensor->type == nvq::io::dtype::u8)
    return;  // codes of scales
  const char* id = byte_scales ? "V5" : "V15";
  if (s.nan + s.infinite > 0)
    x.findings.error(id, j.tensor->name,
                     fmt::format("{} of {} scales are NaN or infinite", s.nan + s.infinite, s.count));
  if (s.negative > 0)
    x.findings.error(id, j.tensor->name, fmt::format("{} of {} scales are negative", s.negative, s.count));
  if (s.zero == s.count)
    x.findings.warning("N-dead", j.module->name, fmt::format("all {} scales are zero", s.count));
  else if (of_zeros(j))
    x.findings.warning(
        "N-dead", j.module->name,
        fmt::format("all {} scales are {:.3g}, what stands for blocks of zeros", s.count, s.median()));
  else if (2 * s.zero > s.count)
    x.findings.warning(id, j.tensor->name, fmt::format("{} of {} scales are zero", s.zero, s.count));
  if (2 * s.top > s.count && s.count > 16 && j.part.role == Role::scales &&
      j.module->declared->kind == Kind::nvfp4)
    x.findings.warning(
        "V5", j.tensor->name,
        fmt::format("{} of {} scales are 448, the largest: the tensor scale is too small", s.top, s.count));
  if (!byte_scales && s.median() >= 8)
    x.findings.error("V4", j.tensor->name,
                     fmt::format("scales are near {:.3g}; they multiply codes up to {}", s.median(),
                                 j.module->declared->bits == 8 ? "448" : "7"));
}

/// Symmetric GPTQ has the same zero point everywhere, and the format says which.
void judge_zero_points(Context& x, const Module& m) {
  const Scheme& s = *m.declared;
  const Entry* t = m.part("qzeros");
  if (s.kind != Kind::gptq || !s.symmetric || t == nullptr || t->type != nvq::io::dtype::i32) return;
  const auto bytes = x.checkpoint.read(*t, Reading::scales);
  std::uint32_t zero = 1u << (s.bits - 1);
  if (!s.gptq_v2) zero -= 1;
  std::uint32_t want = 0;
  for (int i = 0; i < 32; i += s.bits) want |= zero << i;
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data() + i, 4);
    if (word == want) continue;
    x.findings.error(
        "V14", t->name,
        fmt::format("0x{:08x}; symmetric \"{}\" has 0x{:08x}", word, s.gptq_v2 ? "gptq_v2" : "gptq", want));
    return;
  }
}

/// Experts lack theirs one by one, so it matters who has them.
struct Family {
  std::size_t members = 0;
  std::vector<std::pair<const Module*, std::string>> bad;  ///< and what is wrong
};

std::string input_problem(Context& x, const Module& m) {
  const Entry* t = m.part(input_scale_suffix(*m.declared));
  if (t == nullptr) return "missing";
  if (!is_wide(t->type)) return {};
  const auto values = small_values(x.checkpoint, *t);
  if (values.empty()) return "unreadable";
  for (const float v : values) {
    if (!std::isfinite(v) || v <= 0) return fmt::format("{}", v);
    const bool divides = t->name.find("input_global_scale") != std::string::npos;
    const double steps = m.declared->kind == Kind::nvfp4 ? 2688 : 448;
    const double amax = divides ? steps / static_cast<double>(v) : steps * static_cast<double>(v);
    const double limit = largest_input(x.checkpoint, m, amax);
    if (amax > limit)
      x.findings.warning(
          "V4", t->name,
          fmt::format("{} {}, so the largest activation would be {:.3g}; none reaches {:.3g} here",
                      divides ? "divides by" : "multiplies by", v, amax, limit));
  }
  return {};
}

void judge_input_scales(Context& x) {
  std::map<std::string, Family> families;
  for (const auto& [name, m] : x.modules) {
    if (!m.declared || !m.quantized() || input_scale_suffix(*m.declared).empty()) continue;
    const auto expert = expert_name(name);
    Family& f = families[expert ? expert->family : name];
    ++f.members;
    std::string problem = input_problem(x, m);
    if (!problem.empty()) f.bad.emplace_back(&m, std::move(problem));
  }
  for (const auto& [family, f] : families)
    for (const auto& [m, problem] : f.bad) {
      const std::string subject = m->name + '.' + std::string(input_scale_suffix(*m->declared));
      if (f.bad.size() < f.members)
        x.findings.error("V2", subject,
                         fmt::format("{}; {} of {} experts have a usable one", problem,
                                     f.members - f.bad.size(), f.members));
      else
        x.findings.error("V1", subject,
                         fmt::format("{}; {} quantizes activations with it", problem, m->declared->label));
    }
}

}  // namespace

void check_scales(Context& x) {
  std::vector<Job> jobs = jobs_of(x);
  Pool pool(x.threads);
  pool.run(static_cast<std::int64_t>(jobs.size()), [&](std::int64_t i) {
    Job& j = jobs[static_cast<std::size_t>(i)];
    if (j.part.role == Role::scales) j.stats = stats_of(x.checkpoint, *j.tensor);
  });
  for (const Job& j : jobs) {
    if (j.part.role == Role::scales)
      judge_scales(x, j);
    else
      judge_tensor_scale(x, j);
  }
  for (const auto& [name, m] : x.modules)
    if (m.declared) judge_zero_points(x, m);
  judge_input_scales(x);
}

}  // namespace app::check
