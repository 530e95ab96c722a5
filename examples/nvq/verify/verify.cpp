// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "checks.hpp"
#include "failure.hpp"
#include "fix.hpp"
#include "source.hpp"
#include "table.hpp"
#include "text_file.hpp"

namespace app {

namespace {

using namespace check;

void check_all(Context& x) {
  check_files(x);
  check_config(x);
  check_shapes(x);
  check_names(x);
  check_skip_list(x);
  check_experts(x);
  check_scales(x);
  check_groups(x);
  check_kv_cache(x);
  check_cuts(x);
  check_targets(x);
}

/// What the checkpoint is, and how much of it is quantized.
struct Summary {
  std::string method;
  std::size_t modules = 0, files = 0, tensors = 0;
  std::int64_t weights = 0, weight_bytes = 0, all_bytes = 0;
};

Summary summary_of(const Context& x) {
  Summary s;
  s.method = x.declared.method.empty() ? "not quantized" : x.declared.method;
  std::set<std::string> labels;
  for (const auto* groups : {&x.declared.groups, &x.declared.layers})
    for (const SchemeGroup& g : *groups)
      if (g.scheme.label != x.declared.method) labels.insert(g.scheme.label);
  for (const std::string& l : labels) s.method += ", " + l;
  s.files = x.checkpoint.shards().size();
  s.tensors = x.checkpoint.tensors().size();
  s.all_bytes = x.checkpoint.total_bytes();
  for (const auto& [name, m] : x.modules) {
    if (!m.declared || !m.quantized() || m.extent.rows == 0) continue;
    ++s.modules;
    s.weights += m.extent.rows * m.extent.columns * m.extent.experts;
    for (const auto& [suffix, t] : m.parts)
      if (suffix == "weight" || suffix == codes_suffix(*m.declared) || is_quantization_suffix(suffix))
        s.weight_bytes += t->bytes;
  }
  return s;
}

double bits_per_weight(const Summary& s) {
  return s.weights == 0 ? 0 : 8.0 * static_cast<double>(s.weight_bytes) / static_cast<double>(s.weights);
}

std::string verdict(const Findings& f) {
  if (f.all().empty()) return "no findings";
  const auto errors = std::count_if(f.all().begin(), f.all().end(),
                                    [](const Finding& x) { return x.severity == Severity::error; });
  const auto counted = [](std::ptrdiff_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  return counted(errors, "error") + ", " +
         counted(static_cast<std::ptrdiff_t>(f.all().size()) - errors, "warning");
}

/// What was compared with --source, or nothing.
using Compared = std::optional<SourceSummary>;

std::string compared_text(const SourceSummary& s) {
  std::string text = fmt::format("source      {} weights compared", s.compared);
  if (s.compared != 0)
    text +=
        fmt::format(", relative error {:.4f} mean, {:.4f} worst ({})", s.mean_error, s.worst_error, s.worst);
  if (!s.skipped.empty()) text += fmt::format("; {} could not be: {}", s.skipped.size(), some_of(s.skipped));
  return text + '\n';
}

std::string text_report(const Context& x, const Compared& compared, double seconds) {
  const Summary s = summary_of(x);
  const Snapshot& c = x.checkpoint;
  std::string text = fmt::format("checkpoint  {}\n", c.directory().string());
  text += fmt::format("format      {}\n", s.method);
  text += fmt::format("tensors     {} in {} files, {} bytes\n",
                      with_commas(static_cast<std::int64_t>(s.tensors)), s.files, with_commas(s.all_bytes));
  if (s.modules != 0)
    text += fmt::format("quantized   {} weights, {} values, {:.4f} bits each\n",
                        with_commas(static_cast<std::int64_t>(s.modules)), with_commas(s.weights),
                        bits_per_weight(s));
  if (compared) text += compared_text(*compared);
  text += '\n' + findings_text(x.findings);
  text += fmt::format("{}; read {} bytes of headers, {} of scales, {} of codes in {:.2f} s\n",
                      verdict(x.findings), with_commas(c.bytes_read(Reading::headers)),
                      with_commas(c.bytes_read(Reading::scales)), with_commas(c.bytes_read(Reading::codes)),
                      seconds);
  return text;
}

std::string json_report(const Context& x, const Compared& compared, const FixLog& fixes, double seconds) {
  const Summary s = summary_of(x);
  const Snapshot& c = x.checkpoint;
  nvq::io::json report = {{"checkpoint", c.directory().string()},
                          {"format", s.method},
                          {"files", s.files},
                          {"tensors", s.tensors},
                          {"bytes", s.all_bytes},
                          {"quantized_weights", s.modules},
                          {"quantized_values", s.weights},
                          {"bits_per_value", bits_per_weight(s)},
                          {"bytes_read",
                           {{"headers", c.bytes_read(Reading::headers)},
                            {"scales", c.bytes_read(Reading::scales)},
                            {"codes", c.bytes_read(Reading::codes)}}},
                          {"seconds", seconds},
                          {"findings", findings_json(x.findings)}};
  if (!fixes.done.empty() || !fixes.refused.empty())
    report["fixes"] = {{"done", fixes.done}, {"refused", fixes.refused}};
  if (compared)
    report["source"] = {{"compared", compared->compared},
                        {"not_compared", compared->skipped},
                        {"mean_relative_error", compared->mean_error},
                        {"worst_relative_error", compared->worst_error},
                        {"worst", compared->worst}};
  return nvq::io::dump_json(report);
}

void check_options(const VerifyOptions& o) {
  for (const std::string& t : o.targets)
    if (std::find(known_targets().begin(), known_targets().end(), t) == known_targets().end())
      throw Failure(fmt::format("unknown target '{}'; known are {}", t, fmt::join(known_targets(), ", ")));
  for (const std::int64_t n : o.tensor_parallel)
    if (n < 1) throw Failure(fmt::format("--tp {}: a degree is 1 or more", n));
  if (!o.json.empty() && o.json != "-") check_writable(o.json);
}

/// A Failure of one repair says which were done before it.
FixLog fix_all(const VerifyOptions& o) {
  FixLog log;
  try {
    for (const std::string& action : o.fixes) fix(action, o.checkpoint, o.source, log);
  } catch (const Failure& e) {
    if (log.done.empty()) throw;
    throw Failure(fmt::format("{}; done before: {}", e.what(), fmt::join(log.done, "; ")));
  }
  return log;
}

}  // namespace

int verify(const VerifyOptions& options) {
  check_options(options);
  const FixLog fixes = fix_all(options);
  const auto begin = std::chrono::steady_clock::now();
  Findings findings;
  const Snapshot checkpoint(options.checkpoint, findings);
  const Declaration declared = declaration_of(checkpoint, findings);
  auto modules = modules_of(checkpoint, declared);
  Context x{checkpoint,
            declared,
            modules,
            findings,
            {options.targets.begin(), options.targets.end()},
            options.tensor_parallel,
            options.threads};
  check_all(x);
  Compared compared;
  if (!options.source.empty()) {
    Findings of_source;
    const Snapshot source(options.source, of_source);
    for (const Finding& f : of_source.all()) findings.warning(f.rule, "the source's " + f.subject, f.seen);
    compared = check_source(x, source);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (options.json != "-") {
    for (const std::string& line : fixes.done) fmt::print("fixed {}\n", line);
    for (const std::string& line : fixes.refused) fmt::print("not fixed {}\n", line);
    if (!fixes.done.empty() || !fixes.refused.empty()) fmt::print("\n");
  }
  if (options.json != "-") fmt::print("{}", text_report(x, compared, seconds));
  if (options.json == "-")
    fmt::print("{}", json_report(x, compared, fixes, seconds));
  else if (!options.json.empty())
    write_text_file(options.json, json_report(x, compared, fixes, seconds));
  return findings.all().empty() ? 0 : 1;
}

}  // namespace app
