// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nvq/io/dialect_json.hpp>

#include "background.hpp"
#include "commands.hpp"
#include "encode.hpp"
#include "failure.hpp"
#include "output.hpp"
#include "plan.hpp"
#include "progress.hpp"
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
std::vector<nvq::span<const Work>> batches(const std::vector<Work>& work) {
  constexpr std::int64_t enough = std::int64_t{256} << 20;
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

/// Encodes and copies a shard's tensors, while the disk gets what is written already.
void write_shard(const OutputShard& shard, Encoder& encoder, OutputDirectory& out, Background& disk,
                 Progress& progress, std::vector<Quality>& qualities) {
  const auto file = std::make_shared<nvq::io::file>(out.create(shard.name, shard.layout.file_size));
  const auto advance = [&](std::int64_t bytes) { progress.advance(bytes); };
  const OutputFile writer(*file, out.where(shard.name));
  writer.write(0, shard.layout.header.data(), static_cast<std::int64_t>(shard.layout.header.size()));
  for (const nvq::span<const Work> batch : batches(shard.work)) {
    progress.label(batch[0].outputs[0].name);
    encoder.write(batch, writer, advance, qualities);
    disk.add([file, where = out.where(shard.name)] { unwrap(file->sync(), where); });
  }
  disk.add([file, &out, name = shard.name] { out.finish(name, *file); });
}

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

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  const double begun = now();
  PlanOptions how = plan_options(options);
  const Treatment& main = how.rules.treatments.front();
  how.metadata = {
      {"format", "pt"},
      {"producer", "nvq " + version_text()},
      {"recipe", std::string(make_codec(main.scheme, nvq::io::dtype::f32, main.recipe)->recipe())}};

  const Checkpoint source(options.model);
  const Plan plan = make_plan(source, how);
  OutputDirectory out(options.out);

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

  Pool pool(options.threads);
  Encoder encoder(source, plan, pool);
  std::vector<Quality> qualities;
  {
    Progress progress(r.bytes_before, !options.quiet);
    Background disk;
    for (const OutputShard& shard : plan.shards) write_shard(shard, encoder, out, disk, progress, qualities);
    progress.label("writing to the disk");
    disk.wait();
  }
  write_configuration(source, plan, out);
  out.commit();
  summarize(qualities, r);
  r.seconds = now() - begun;
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
  for (const std::string& note : r.notes) text += line("note", note);
  return text;
}

}  // namespace app
