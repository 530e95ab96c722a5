// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fit/fit.hpp"
#include "table.hpp"

namespace app::fit {

namespace {

std::string gb(double bytes) { return fmt::format("{:.2f}", bytes / 1e9); }
std::string gb(std::int64_t bytes) { return gb(static_cast<double>(bytes)); }

std::string small(double bytes) {
  if (bytes >= 1e9) return gb(bytes) + " GB";
  if (bytes >= 1e6) return fmt::format("{:.2f} MB", bytes / 1e6);
  return fmt::format("{:.1f} kB", bytes / 1e3);
}

/// "1.7" and "105": three figures.
std::string rate(double tokens) {
  return tokens >= 100 ? fmt::format("{:.0f}", tokens) : fmt::format("{:.1f}", tokens);
}

std::string duration(double seconds) {
  if (seconds < 120) return fmt::format("{:.1f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

const char* traffic(Traffic t) {
  switch (t) {
    case Traffic::every_step:
      return "every step";
    case Traffic::experts:
      return "chosen experts";
    default:
      return "no";
  }
}

std::string weights_table(const Weights& w) {
  Table table({"class", ">parameters", ">codes GB", ">scales GB", ">kept GB", ">GB", ">bits", "read"});
  const auto row = [&](const ClassBytes& c, const char* read) {
    table.row({c.name, with_commas(c.parameters), gb(c.codes), gb(c.scales), gb(c.kept), gb(c.total()),
               c.parameters == 0 ? "-"
                                 : fmt::format("{:.3f}", 8.0 * static_cast<double>(c.total()) /
                                                             static_cast<double>(c.parameters)),
               read});
  };
  for (const ClassBytes& c : w.classes)
    row(c, c.name == "embedding" && w.tied ? "as lm_head" : traffic(c.traffic));
  row(w.sum(), "");
  return table.text();
}

/// How the layers keep the past, such as "10 layers see all, 52 the last 1,024 tokens".
std::string layers_line(const Architecture& a) {
  std::int64_t full = 0, sliding = 0, recurrent = 0, window = 0;
  for (const LayerCache& l : a.caches) {
    recurrent += l.state_bytes != 0;
    if (l.values == 0) continue;
    (l.window == 0 ? full : sliding) += 1;
    window = std::max(window, l.window);
  }
  std::string line = fmt::format("{} layers see all tokens", full);
  if (a.latent) line += " (MLA)";
  if (sliding != 0) line += fmt::format(", {} the last {}", sliding, with_commas(window));
  if (recurrent != 0) line += fmt::format(", {} keep a state of constant size", recurrent);
  return line;
}

std::string model_text(const Options& o, const Result& r, const ModelFit& f) {
  const Architecture& a = f.architecture;
  const ClassBytes sum = f.weights.sum();
  std::string out = fmt::format("\nmodel     {}: {}, {:.2f} B parameters", f.path, a.family,
                                static_cast<double>(sum.parameters) / 1e9);
  if (a.experts != 0)
    out += fmt::format(", {:.2f} B active ({} of {} experts)", f.active_parameters / 1e9, a.active_experts,
                       a.experts);
  if (f.from_config) out += "\n          no safetensors here: shapes computed from config.json";
  out += fmt::format("\nweights   {} GB as {}", gb(sum.total()), o.to == "source" ? "they are" : o.to);
  if (f.weights.files > 0)
    out +=
        fmt::format(", and {} of headers and index on the disk", small(static_cast<double>(f.weights.files)));
  out += '\n';
  out += fmt::format("cache     {}: {} per token, {} GB per sequence of {}, {} GB for {}\n", o.kv,
                     small(f.cache_per_token), gb(f.cache_per_sequence), with_commas(o.context),
                     gb(f.cache_per_sequence * static_cast<double>(o.batch)), with_commas(o.batch));
  out += "          " + layers_line(a);
  if (f.state > 0) out += fmt::format(": {} per sequence", small(f.state));
  if (a.max_context != 0 && o.context > a.max_context)
    out += fmt::format("\n          the model was made for {} tokens", with_commas(a.max_context));
  out += fmt::format("\nworking   {} GB for activations, logits and graphs ({})\n", gb(f.working),
                     o.reserve_gb >= 0 ? "as told" : "an estimate");
  out += '\n' + weights_table(f.weights) + '\n';

  out += fmt::format("one sequence, nothing cached: at most {} tokens/s", rate(f.short_ceiling));
  if (f.short_measured > 0) out += fmt::format(", {} at the measured bandwidth", rate(f.short_measured));
  out += fmt::format("\nwith {} tokens cached each:\n", with_commas(o.context));
  std::vector<std::string> headings = {">batch", ">GB per step", ">tokens/s at most", ">per sequence"};
  if (r.machine.measured > 0) headings.push_back(">at measured");
  headings.push_back("limit");
  headings.push_back("fits");
  if (o.usd_per_hour > 0) headings.push_back(">USD per million at least");
  Table speeds(headings);
  for (const Speed& s : f.speeds) {
    std::vector<std::string> cells = {with_commas(s.batch), gb(s.bytes), rate(s.ceiling),
                                      rate(s.ceiling / static_cast<double>(s.batch))};
    if (r.machine.measured > 0) cells.push_back(rate(s.measured));
    cells.push_back(s.arithmetic ? "arithmetic" : "memory");
    const double need = r.need + f.cache_per_sequence * static_cast<double>(s.batch - o.batch);
    cells.push_back(need <= r.usable ? "yes" : "no");
    if (o.usd_per_hour > 0) cells.push_back(fmt::format("{:.2f}", o.usd_per_hour / 3600 / s.ceiling * 1e6));
    speeds.row(cells);
  }
  out += speeds.text();
  if (f.prefill_seconds > 0)
    out += fmt::format("reading a prompt of {}: {} at least, in BF16 arithmetic (an estimate)\n",
                       with_commas(o.context), duration(f.prefill_seconds));
  if (o.to != "source") {
    const double seconds = (f.source_bytes + static_cast<double>(sum.total())) / (o.disk_gb_per_s * 1e9);
    out += fmt::format("quantizing: {} GB to read, {} to write; {} where the disk does {:g} GB/s",
                       gb(f.source_bytes), gb(sum.total()), duration(seconds), o.disk_gb_per_s);
    if (o.usd_per_hour > 0) out += fmt::format(", {:.2f} USD", seconds / 3600 * o.usd_per_hour);
    out += '\n';
  }
  for (const std::string& note : f.weights.notes) out += "note: " + note + '\n';
  return out;
}

std::string claim_text(const Options& o, const Result& r, const ModelFit& f) {
  if (o.at_least <= 0) return {};
  if (f.short_ceiling >= o.at_least)
    return fmt::format("claim     {} tokens/s: below the ceiling of {}\n", rate(o.at_least),
                       rate(f.short_ceiling));
  const double per_token = r.machine.bandwidth * o.devices / o.at_least;
  return fmt::format(
      "claim     {} tokens/s of one sequence cannot be: every token reads {} GB, and at {:.0f} GB/s that is "
      "{} "
      "tokens/s at most.\n          It takes {:.1f} tokens per reading of the weights (speculative decoding, "
      "or "
      "the sum over a batch), or {} GB of active weights.\n",
      rate(o.at_least), gb(f.weights.bytes_per_step(f.architecture, 1)),
      r.machine.bandwidth * o.devices / 1e9, rate(f.short_ceiling), o.at_least / f.short_ceiling,
      gb(per_token));
}

}  // namespace

std::string text(const Options& o, const Result& r) {
  std::string out = fmt::format("machine   {}{}: {} GB usable, {:.0f} GB/s",
                                o.devices == 1 ? "" : fmt::format("{} x ", o.devices), r.machine.title,
                                gb(r.usable), r.machine.bandwidth * o.devices / 1e9);
  if (r.machine.measured > 0) out += fmt::format(" ({:.0f} measured)", r.machine.measured * o.devices / 1e9);
  if (o.devices > 1) out += ", if they share the work perfectly";
  out += '\n';
  const std::string element = o.to.substr(0, o.to.find('_'));
  const bool small_float = element == "nvfp4" || element == "mxfp4" || element == "fp8";
  if (small_float &&
      std::find(r.machine.native.begin(), r.machine.native.end(), element) == r.machine.native.end())
    out += fmt::format(
        "          no {} arithmetic: engines decode weights on the way, which saves their bytes all the "
        "same\n",
        element);
  for (const ModelFit& f : r.models) out += model_text(o, r, f);
  out += fmt::format("\nmemory    {} GB of {}", gb(r.need), gb(r.usable));
  if (r.reserve > 0) out += fmt::format(", {} of them for the operating system", gb(r.reserve));
  out += r.fits ? fmt::format(": fits, {} GB left\n", gb(r.usable - r.need))
                : fmt::format(": does not fit, {} GB too many\n", gb(r.need - r.usable));
  if (r.largest_batch >= 0 && r.longest_context >= 0)
    out += fmt::format("          {}at most {} sequences of {} tokens, or {} tokens in each of {}\n",
                       r.models.size() > 1 ? "of the first model " : "", with_commas(r.largest_batch),
                       with_commas(o.context), with_commas(r.longest_context), with_commas(o.batch));
  for (const ModelFit& f : r.models) out += claim_text(o, r, f);
  if (r.models.size() > 1) out += "          models that generate at the same time share the bandwidth\n";
  return out;
}

}  // namespace app::fit
