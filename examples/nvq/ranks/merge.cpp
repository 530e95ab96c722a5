// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <system_error>

#include "failure.hpp"
#include "finish.hpp"
#include "job.hpp"
#include "memory.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "ranks/options_text.hpp"
#include "ranks/parts.hpp"
#include "ranks/share.hpp"
#include "run_identity.hpp"
#include "shard_writer.hpp"
#include "tensor_io.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

std::vector<Part> parts_of(const fs::path& out, const fs::path& partial) {
  std::error_code ec;
  if (fs::exists(partial / journal_name, ec))
    throw Failure(partial.string() + ": a run without --shard began it; its own command goes on with it");
  std::vector<Part> parts = find_parts(partial);
  if (parts.empty())
    throw Failure(partial.string() + ": there is nothing to merge in it; start `nvq quantize MODEL_DIR " +
                  out.string() + " --shard r/N` for every r from 0 to N - 1");
  return parts;
}

/// What a rank was told to do whose source is there under the same name on this machine.
QuantizeOptions options_of(const std::vector<Part>& parts) {
  std::error_code ec;
  QuantizeOptions options;
  for (const Part& p : parts) {
    if (!p.journal.run.contains("options"))
      throw Failure(p.path.string() + ": its journal does not name the command");
    options = options_from_json(p.journal.run["options"]);
    if (fs::is_directory(options.model, ec)) break;
  }
  return options;
}

/// Which ranks' shares lack batches, with the command of each.
[[noreturn]] void tell_missing(const Job& job, const std::vector<Part>& parts, const Done& done,
                               const QuantizeOptions& options) {
  const std::vector<Unit> small = small_units(job.plan, job.memory.batch_bytes);
  int size = 0;
  for (const Part& p : parts)
    if (p.journal.run.contains("share"))
      size = std::max(size, parse_share(p.journal.run["share"].get<std::string>()).size);
  std::size_t all = 0;
  for (const Unit& u : small) all += u.count;
  std::string text =
      fmt::format("{}.partial: {} of {} batches are missing", options.out.string(), all - done.size(), all);
  if (size == 0) text += "; the same mpirun command goes on with them";
  for (int rank = 0; rank < size; ++rank) {
    std::size_t missing = 0;
    for (const Unit& u : units_of(small, rank, size)) missing += missing_of(u, done).size();
    if (missing != 0)
      text += fmt::format("\n  {} of rank {}: {} --shard {}/{}", missing, rank, command_line(options), rank,
                          size);
  }
  throw Failure(text);
}

/// Copies a batch's bytes from a rank's file to the one that becomes the shard.
void copy_batch(Batch batch, const nvq::io::file& from, const std::string& where, const OutputFile& to) {
  std::vector<char> bytes;
  for (const Work& w : batch)
    for (const Output& o : w.outputs)
      for (const Rows& piece : cut_bytes(o.bytes)) {
        bytes.resize(static_cast<std::size_t>(piece.count));
        unwrap(from.read_at(o.offset + piece.first, bytes.data(), piece.count), where);
        to.write(o.offset + piece.first, bytes.data(), piece.count);
      }
}

/// The rank that has most of a shard gives its file, and what it lacks is copied into that. Killed on the way,
/// the same again does the same.
void assemble(const Job& job, const OutputShard& shard, const std::vector<Part>& parts,
              OutputDirectory& out) {
  const std::vector<Batch> all = batches(shard.work, job.memory.batch_bytes);
  std::vector<std::int64_t> bytes(parts.size());
  std::vector<std::vector<std::size_t>> owners(all.size());
  for (std::size_t b = 0; b < all.size(); ++b)
    for (std::size_t p = 0; p < parts.size(); ++p)
      if (parts[p].has(shard, b)) owners[b].push_back(p), bytes[p] += 1 + bytes_of(all[b]);
  const auto base = static_cast<std::size_t>(std::max_element(bytes.begin(), bytes.end()) - bytes.begin());
  const std::string path = parts[base].file(shard).string();
  nvq::io::file file = unwrap(nvq::io::file::open_write(path), path);
  for (std::size_t p = 0; p < parts.size(); ++p) {
    std::optional<nvq::io::file> from;
    for (std::size_t b = 0; b < all.size(); ++b) {
      if (owners[b].front() != p || std::count(owners[b].begin(), owners[b].end(), base) != 0) continue;
      const std::string where = parts[p].file(shard).string();
      if (!from) from = unwrap(nvq::io::file::open_read(where), where);
      copy_batch(all[b], *from, where, OutputFile(file, out.where(shard.name)));
    }
  }
  unwrap(file.sync(), path);
  unwrap(file.close(), path);
  std::error_code ec;
  fs::rename(path, out.partial() / shard.name, ec);
  if (ec) throw Failure(out.where(shard.name) + ": cannot give it its name: " + ec.message());
}

}  // namespace

QuantizeResult merge(const MergeOptions& options, QuantizeOptions& merged) {
  const double started = now();
  OutputDirectory out(options.out, Leftover::take);
  const std::vector<Part> parts = parts_of(options.out, out.partial());
  merged = options_of(parts);
  merged.out = out.path();
  if (!options.model.empty()) merged.model = options.model;
  std::vector<std::unique_ptr<Journal>> locks;  // no rank is at work any more
  for (const Part& p : parts) locks.push_back(std::make_unique<Journal>(p.path, nvq::io::json::object()));

  const Job job(merged);
  const nvq::io::json run = identity_of_part(job.source, job.plan, job.memory.batch_bytes);
  check_parts(parts, run);
  const Done done = find_done(job.plan, job.memory.batch_bytes, out.partial(), parts);
  std::size_t all = 0;
  std::vector<Quality> qualities;
  for (const OutputShard& shard : job.plan.shards)
    for (std::size_t b = 0; b < batches(shard.work, job.memory.batch_bytes).size(); ++b, ++all)
      for (const Part& p : parts)
        if (const auto at = p.journal.done.find({shard.name, b}); at != p.journal.done.end()) {
          qualities.insert(qualities.end(), at->second.begin(), at->second.end());
          break;
        }
  if (done.size() < all) tell_missing(job, parts, done, merged);

  for (const OutputShard& shard : job.plan.shards)
    if (!out.finished(shard.name)) assemble(job, shard, parts, out);
  write_configuration(job, out);
  // In this order: without its parts' journals a directory that has not got its name could not be gone on with.
  out.commit();
  std::error_code ignored;
  for (const Part& p : find_parts(out.path())) fs::remove_all(p.path, ignored);

  QuantizeResult r = result_of(job, qualities);
  r.parts = parts.size();
  r.seconds = now() - started;
  r.peak_rss = peak_rss();
  return r;
}

}  // namespace app
