// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nvq/io/dialect_json.hpp>

#include "background.hpp"
#include "commands.hpp"
#include "compare/compare.hpp"
#include "encode.hpp"
#include "failure.hpp"
#include "journal.hpp"
#include "memory.hpp"
#include "output.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "run_identity.hpp"
#include "table.hpp"
#include "version.hpp"

namespace app {

namespace {

PlanOptions plan_options(const QuantizeOptions& options) {
  PlanOptions how;
  how.activation_amax = AmaxTable(options.activation_amax);
  how.kv_amax = AmaxTable(options.kv_amax);
  how.family = options.family;
  RuleOptions rules;
  rules.format = options.format;
  rules.recipe = options.recipe;
  rules.dialect = options.dialect;
  rules.activations = options.activations;
  rules.has_activation_amax = how.activation_amax.given();
  rules.keep = options.keep;
  rules.preset = options.preset;
  if (!options.rules.empty()) {
    rules.rules_file = options.rules.string();
    rules.rules = read_text(options.rules, std::int64_t{1} << 20);
  }
  how.rules = make_rules(rules);
  return how;
}

/// "nvfp4, recipe amax": what became of the modules of a treatment.
std::string title(const Treatment& t) {
  return t.format + ", recipe " + std::string(make_codec(t.scheme, nvq::io::dtype::f32, t.recipe)->recipe());
}

/// Ends of batches of tensors: big enough to keep all threads busy, small enough that writing to the disk
/// begins early and that a group is still in memory when it is read the second time.
std::vector<nvq::span<const Work>> batches(const std::vector<Work>& work, std::int64_t enough) {
  std::vector<nvq::span<const Work>> all;
  std::size_t first = 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < work.size(); ++i) {
    bytes += work[i].bytes();
    if (bytes < enough && i + 1 < work.size()) continue;
    all.push_back({work.data() + first, i + 1 - first});
    first = i + 1;
    bytes = 0;
  }
  return all;
}

/// The pages of the source that a batch has read are of no use any more.
void forget(const Checkpoint& source, nvq::span<const Work> batch) {
  for (const Work& w : batch)
    if (w.source != nullptr)
      source.shards()[static_cast<std::size_t>(w.source->shard)].file.forget(w.source->offset,
                                                                             w.source->bytes);
}

/// Writes shards, while the disk gets what is written already, and leaves out what the journal says is there.
class ShardWriter {
 public:
  ShardWriter(const Checkpoint& source, Encoder& encoder, OutputDirectory& out, Journal& journal,
              Background& disk, Progress& progress, std::int64_t batch_bytes)
      : source_(source),
        encoder_(encoder),
        out_(out),
        journal_(journal),
        disk_(disk),
        progress_(progress),
        batch_bytes_(batch_bytes) {}

  void write(const OutputShard& shard, std::vector<Quality>& qualities) {
    const auto all = batches(shard.work, batch_bytes_);
    bool finished = out_.finished(shard.name);
    for (std::size_t b = 0; b < all.size(); ++b)
      finished = finished && journal_.find(shard.name, b) != nullptr;
    const bool begun = out_.begun(shard.name, shard.layout.file_size);
    const auto file = std::make_shared<nvq::io::file>();
    if (!finished) *file = begun ? out_.reopen(shard.name) : out_.create(shard.name, shard.layout.file_size);
    const OutputFile writer(*file, out_.where(shard.name));
    if (!finished)
      writer.write(0, shard.layout.header.data(), static_cast<std::int64_t>(shard.layout.header.size()));
    for (std::size_t b = 0; b < all.size(); ++b) {
      const std::vector<Quality>* known = finished || begun ? journal_.find(shard.name, b) : nullptr;
      if (known != nullptr) {
        qualities.insert(qualities.end(), known->begin(), known->end());
        for (const Work& w : all[b]) progress_.advance(w.bytes());
        continue;
      }
      progress_.label(all[b][0].outputs[0].name);
      std::vector<Quality> of_batch;
      encoder_.write(
          all[b], writer, [this](std::int64_t bytes) { progress_.advance(bytes); }, of_batch);
      qualities.insert(qualities.end(), of_batch.begin(), of_batch.end());
      // The writer is gone before the disk's thread when a run ends early.
      disk_.add([&out = out_, &journal = journal_, &source = source_, file, b, batch = all[b],
                 of_batch = std::move(of_batch), name = shard.name] {
        unwrap(file->sync(), out.where(name));
        journal.add(name, b, of_batch);
        out.keep();
        file->forget(0, 0);
        forget(source, batch);
      });
    }
    if (!finished) disk_.add([&out = out_, file, name = shard.name] { out.finish(name, *file); });
  }

 private:
  const Checkpoint& source_;
  Encoder& encoder_;
  OutputDirectory& out_;
  Journal& journal_;
  Background& disk_;
  Progress& progress_;
  std::int64_t batch_bytes_;
};

void write_configuration(const Checkpoint& source, const Plan& plan, OutputDirectory& out) {
  nvq::io::json config = source.config();
  config["quantization_config"] = nvq::io::quantization_config(plan.description);
  out.write_text("config.json", nvq::io::dump_json(config));
  const nvq::io::companion_config second = nvq::io::second_config(plan.description);
  if (second.file != nullptr) out.write_text(second.file, nvq::io::dump_json(second.content));
  if (plan.shards.size() > 1)
    out.write_text("model.safetensors.index.json", nvq::io::index_text(plan.index()));
  copy_companions(source.directory(), out);
}

void summarize(const std::vector<Quality>& qualities, QuantizeResult& r) {
  // A tensor that survived exactly (all zeros, say) has an infinite ratio and no place in a mean.
  double sum = 0;
  int count = 0;
  const Quality* worst = &qualities.front();
  for (const Quality& q : qualities) {
    const double db = q.errors.sqnr_db();
    if (std::isfinite(db)) sum += db, ++count;
    if (db < worst->errors.sqnr_db()) worst = &q;
  }
  r.worst_db = worst->errors.sqnr_db();
  r.worst = worst->name;
  r.mean_db = count != 0 ? sum / count : r.worst_db;
}

void write(const Checkpoint& source, const Plan& plan, const MemoryPlan& memory, OutputDirectory& out,
           Journal& journal, bool show, std::vector<Quality>& qualities) {
  Pool pool(memory.threads);
  Encoder encoder(source, plan, pool);
  {
    Progress progress(source.total_bytes(), show);
    Background disk;
    ShardWriter writer(source, encoder, out, journal, disk, progress, memory.batch_bytes);
    for (const OutputShard& shard : plan.shards) writer.write(shard, qualities);
    progress.label("writing to the disk");
    disk.wait();
  }
  write_configuration(source, plan, out);
  // In this order: without its journal a directory that has not got its name could not be gone on with.
  out.commit();
  Journal::remove(out.path());
}

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  const double started = now();
  PlanOptions how = plan_options(options);
  const Treatment& main = how.rules.treatments.front();
  how.metadata = {
      {"format", "pt"},
      {"producer", "nvq " + version_text()},
      {"recipe", std::string(make_codec(main.scheme, nvq::io::dtype::f32, main.recipe)->recipe())}};

  const Checkpoint source(options.model);
  const Plan plan = make_plan(source, how);
  const MemoryPlan memory = plan_memory(plan, options.max_rss, options.threads, options.batch_bytes);
  OutputDirectory out(options.out, Leftover::continue_);
  Journal journal(out.partial(), run_identity(source, plan, memory.batch_bytes));

  QuantizeResult r;
  r.dialect = nvq::io::name(plan.rules.dialect);
  for (const Treatment& t : plan.rules.treatments) r.formats.push_back(title(t));
  r.quantized = plan.quantized;
  r.kept = plan.kept;
  r.notes = plan.notes;
  r.bytes_before = source.total_bytes();
  r.bytes_after = plan.total_bytes;
  r.weight_bits =
      8.0 * static_cast<double>(plan.quantized_bytes) / static_cast<double>(plan.quantized_values);

  std::vector<Quality> qualities;
  try {
    write(source, plan, memory, out, journal, !options.quiet, qualities);
  } catch (const Failure& e) {
    if (journal.empty()) throw;
    throw Failure(std::string(e.what()) + "; what is done is in " + out.partial().string() +
                  ", and the same command goes on with it");
  }
  summarize(qualities, r);
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
  text += line("time", fmt::format("{:.2f} s, {:.3g} GB/s of input", r.seconds, whole / 1e9 / r.seconds));
  text += line("memory", fmt::format("{:.0f} MiB at most", static_cast<double>(r.peak_rss) / (1 << 20)));
  for (const std::string& note : r.notes) text += line("note", note);
  return text;
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
