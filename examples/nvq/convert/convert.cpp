// SPDX-License-Identifier: Apache-2.0
#include "convert/convert.hpp"

#include <fmt/format.h>

#include <nvq/io/index.hpp>

#include "convert/plan.hpp"
#include "convert/write.hpp"
#include "failure.hpp"
#include "memory.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "rules.hpp"
#include "table.hpp"

namespace app {

namespace {

using nvq::io::dialect;

nvq::io::shard_index index_of(const ConvertPlan& plan) {
  nvq::io::shard_index index;
  index.total_size = plan.bytes;
  for (const ConvertedShard& s : plan.shards)
    for (const nvq::io::tensor_entry& t : s.layout.tensors) index.weight_map[t.name] = s.name;
  return index;
}

void check_out(const std::filesystem::path& out) {
  std::error_code ec;
  if (std::filesystem::exists(std::filesystem::symlink_status(out, ec)))
    throw Failure(out.string() + ": it exists already; choose another name or remove it");
}

}  // namespace

ConvertResult convert(const ConvertOptions& options) {
  const double started = now();
  const dialect to = find_dialect(options.to);
  if (!options.activations.empty() && options.activations != "none" && options.activations != "dynamic")
    throw Failure("unknown activations '" + options.activations + "'; known are none and dynamic");
  const Checkpoint source(options.model);
  const nvq::io::quantization before = stored_quantization(source);
  if (before.owner == to)
    throw Failure(source.directory().string() + ": it is in the dialect " + nvq::io::name(to) + " already");
  const ConvertPlan plan = make_convert_plan(source, before, to, options);
  const int threads = convert_threads(plan, options.max_rss, options.threads);
  if (options.dry_run) check_out(options.out);
  if (!options.dry_run) {
    OutputDirectory out(options.out);
    write_tensors(source, plan, out, threads, !options.quiet);
    out.write_text("config.json", nvq::io::dump_json(plan.config));
    if (!plan.second.empty()) out.write_text(plan.second, nvq::io::dump_json(plan.second_content));
    if (plan.shards.size() > 1 || plan.shards.front().name != "model.safetensors")
      out.write_text("model.safetensors.index.json", nvq::io::index_text(index_of(plan)));
    copy_companions(source.directory(), out);
    out.commit();
  }
  ConvertResult r;
  r.from = nvq::io::name(before.owner);
  r.to = nvq::io::name(to);
  r.formats = plan.formats;
  r.converted = plan.converted;
  r.copied = plan.copied;
  r.inverted = plan.counts.inverted;
  r.inexact = plan.counts.inexact;
  r.bytes_before = source.total_bytes();
  r.bytes_after = plan.bytes;
  r.notes = plan.notes;
  r.seconds = now() - started;
  r.peak_rss = peak_rss();
  return r;
}

std::string summary(const ConvertResult& r) {
  const auto line = [](std::string_view what, const std::string& value) {
    return fmt::format("{:<12}{}\n", what, value);
  };
  std::string text = line("format", fmt::format("{}, {} to {}", fmt::join(r.formats, ", "), r.from, r.to));
  text += line("tensors",
               fmt::format("{} quantized weights converted, {} other tensors copied", r.converted, r.copied));
  if (r.inverted != 0)
    text +=
        line("scales",
             fmt::format("{} inverted; {}", r.inverted,
                         r.inexact == 0
                             ? "engines read the same numbers"
                             : fmt::format("engines read {} of them off by one in the last bit", r.inexact)));
  text += line("bytes",
               fmt::format("{} before, {} after", with_commas(r.bytes_before), with_commas(r.bytes_after)));
  text += line("time", fmt::format("{:.2f} s, {:.3g} GB/s of input", r.seconds,
                                   static_cast<double>(r.bytes_before) / 1e9 / r.seconds));
  text += line("memory", fmt::format("{:.0f} MiB at most", static_cast<double>(r.peak_rss) / (1 << 20)));
  for (const std::string& note : r.notes) text += line("note", note);
  return text;
}

}  // namespace app
