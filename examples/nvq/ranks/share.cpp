// SPDX-License-Identifier: Apache-2.0
#include "ranks/share.hpp"

#include <fmt/format.h>

#include "background.hpp"
#include "encode.hpp"
#include "failure.hpp"
#include "job.hpp"
#include "journal.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "ranks/options_text.hpp"
#include "ranks/parts.hpp"
#include "ranks/units.hpp"
#include "run_identity.hpp"
#include "shard_writer.hpp"
#include "table.hpp"

namespace app {

namespace {

void write(const Job& job, const std::vector<Unit>& units, const Done& done, OutputDirectory& out,
           Journal& journal, std::int64_t bytes, bool show) {
  Pool pool(job.memory.threads);
  Encoder encoder(job.source, job.plan, pool);
  Progress progress(bytes, show);
  Background disk;
  ShardWriter writer(job, encoder, out, journal, disk, progress);
  for (const Unit& unit : units)
    if (const auto missing = missing_of(unit, done); !missing.empty())
      writer.write(job.plan.shards[unit.shard], missing);
  progress.label("writing to the disk");
  disk.wait();
}

}  // namespace

ShareResult quantize_share(const QuantizeOptions& options, const Share& share) {
  const double started = now();
  const Job job(options);
  const nvq::io::json run = identity_of_part(job.source, job.plan, job.memory.batch_bytes);
  OutputDirectory out(options.out, part_name(share.rank));
  const std::filesystem::path all = out.partial().parent_path();
  const auto parts = find_parts(all);
  check_parts(parts, run);
  Journal journal(out.partial(), run, {{"share", share.text()}, {"options", options_to_json(options)}});
  const Done done = find_done(job.plan, job.memory.batch_bytes, all, parts);
  const std::vector<Unit> small = small_units(job.plan, job.memory.batch_bytes),
                          mine = units_of(small, share.rank, share.size);

  ShareResult r;
  r.share = share;
  r.out = options.out;
  for (const Unit& u : small) r.all_batches += u.count;
  std::int64_t to_do = 0;
  for (const Unit& u : mine) {
    const std::size_t missing = missing_of(u, done).size();
    r.batches += u.count;
    r.found += u.count - missing;
    r.bytes += u.bytes;
    if (missing != 0) to_do += u.bytes;
  }
  try {
    write(job, mine, done, out, journal, to_do, !options.quiet);
  } catch (const Failure& e) {
    if (journal.empty()) throw;
    throw Failure(e.what() + goes_on(out.partial()));
  }
  r.all_found = find_done(job.plan, job.memory.batch_bytes, all, find_parts(all)).size();
  r.seconds = now() - started;
  return r;
}

std::string summary(const ShareResult& r) {
  const auto line = [](std::string_view what, const std::string& value) {
    return fmt::format("{:<12}{}\n", what, value);
  };
  std::string text = line("rank", fmt::format("{} of {}, counted from 0", r.share.rank, r.share.size));
  text += line("share", fmt::format("{} of {} batches, {} bytes of the source{}", r.batches, r.all_batches,
                                    with_commas(r.bytes),
                                    r.found != 0 ? fmt::format("; {} were done already", r.found) : ""));
  text += line("time", fmt::format("{:.2f} s", r.seconds));
  const std::size_t left = r.all_batches - r.all_found;
  text +=
      line("next", left == 0 ? fmt::format("all ranks are done: nvq merge {}", r.out.string())
                             : fmt::format("{} batches of other ranks are not there yet; then nvq merge {}",
                                           left, r.out.string()));
  return text;
}

}  // namespace app
