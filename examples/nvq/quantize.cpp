// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "background.hpp"
#include "commands.hpp"
#include "compare/compare.hpp"
#include "encode.hpp"
#include "failure.hpp"
#include "finish.hpp"
#include "job.hpp"
#include "journal.hpp"
#include "memory.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "run_identity.hpp"
#include "shard_writer.hpp"
#include "table.hpp"
#include "text_file.hpp"

namespace app {

namespace {

void write(const Job& job, OutputDirectory& out, Journal& journal, bool show,
           std::vector<Quality>& qualities) {
  Pool pool(job.memory.threads);
  Encoder encoder(job.source, job.plan, pool);
  {
    Progress progress(job.source.total_bytes(), show);
    Background disk;
    ShardWriter writer(job, encoder, out, journal, disk, progress);
    for (const OutputShard& shard : job.plan.shards) writer.write(shard, qualities);
    progress.label("writing to the disk");
    disk.wait();
  }
  write_configuration(job, out);
  // In this order: without its journal a directory that has not got its name could not be gone on with.
  out.commit();
  Journal::remove(out.path());
}

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  const double started = now();
  const Job job(options);
  OutputDirectory out(options.out, Leftover::continue_);
  Journal journal(out.partial(), run_identity(job.source, job.plan, job.memory.batch_bytes));

  std::vector<Quality> qualities;
  try {
    write(job, out, journal, !options.quiet, qualities);
  } catch (const Failure& e) {
    if (journal.empty()) throw;
    throw Failure(e.what() + goes_on(out.partial()));
  }
  QuantizeResult r = result_of(job, qualities);
  r.seconds = now() - started;
  r.peak_rss = peak_rss();
  return r;
}

std::string summary(const QuantizeResult& r) {
  const double whole = static_cast<double>(r.bytes_before);
  const auto line = [](std::string_view what, const std::string& value) {
    return fmt::format("{:<12}{}\n", what, value);
  };
  std::string text = line("format", fmt::format("{}, dialect {}", fmt::join(r.formats, "; "), r.dialect));
  text += line("tensors", fmt::format("{} quantized, {} kept", r.quantized, r.kept));
  text += line("bytes",
               fmt::format("{} before, {} after ({:.1f} %)", with_commas(r.bytes_before),
                           with_commas(r.bytes_after), 100.0 * static_cast<double>(r.bytes_after) / whole));
  text += line("bits", fmt::format("{:.4f} per quantized weight, scales included", r.weight_bits));
  text += line("SQNR", fmt::format("{:.2f} dB mean, {:.2f} dB worst ({})", r.mean_db, r.worst_db, r.worst));
  if (r.parts != 0)
    text += line("time", fmt::format("{:.2f} s to put {} parts together", r.seconds, r.parts));
  else
    text += line("time", fmt::format("{:.2f} s, {:.3g} GB/s of input", r.seconds, whole / 1e9 / r.seconds));
  text += line("memory", fmt::format("{:.0f} MiB at most", static_cast<double>(r.peak_rss) / (1 << 20)));
  for (const std::string& note : r.notes) text += line("note", note);
  return text;
}

void check_reports(const std::vector<std::filesystem::path>& files) {
  for (const std::filesystem::path& file : files) {
    if (file.extension() != ".html" && file.extension() != ".json")
      throw Failure("--report " + file.string() +
                    ": name it FILE.html for a page with plots, or FILE.json for figures");
    check_writable(file);
  }
}

void report_quantized(const QuantizeOptions& options, const std::vector<std::filesystem::path>& files) {
  if (files.empty()) return;
  CompareOptions compared;
  compared.a = options.model;
  compared.b = options.out;
  compared.threads = options.threads;
  compared.quiet = options.quiet;
  const report::Report r = compare(compared);
  for (const std::filesystem::path& file : files)
    file.extension() == ".html" ? report::write_html(r, file) : report::write_json(r, file);
}

}  // namespace app
