// SPDX-License-Identifier: Apache-2.0
#include "finish.hpp"

#include <cmath>
#include <nvq/io/dialect_json.hpp>
#include <string>

#include "codec.hpp"

namespace app {

namespace {

/// "nvfp4, recipe amax": what became of the modules of a treatment.
std::string title(const Treatment& t) {
  return t.format + ", recipe " + std::string(make_codec(t.scheme, nvq::io::dtype::f32, t.recipe)->recipe());
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

void write_configuration(const Job& job, OutputDirectory& out) {
  const Checkpoint& source = job.source;
  const Plan& plan = job.plan;
  nvq::io::json config = source.config();
  config["quantization_config"] = nvq::io::quantization_config(plan.description);
  out.write_text("config.json", nvq::io::dump_json(config));
  const nvq::io::companion_config second = nvq::io::second_config(plan.description);
  if (second.file != nullptr) out.write_text(second.file, nvq::io::dump_json(second.content));
  if (plan.shards.size() > 1)
    out.write_text("model.safetensors.index.json", nvq::io::index_text(plan.index()));
  copy_companions(source.directory(), out);
}

QuantizeResult result_of(const Job& job, const std::vector<Quality>& qualities) {
  const Plan& plan = job.plan;
  QuantizeResult r;
  r.dialect = nvq::io::name(plan.rules.dialect);
  for (const Treatment& t : plan.rules.treatments) r.formats.push_back(title(t));
  r.quantized = plan.quantized;
  r.kept = plan.kept;
  r.notes = plan.notes;
  r.bytes_before = job.source.total_bytes();
  r.bytes_after = plan.total_bytes;
  r.weight_bits =
      8.0 * static_cast<double>(plan.quantized_bytes) / static_cast<double>(plan.quantized_values);
  summarize(qualities, r);
  return r;
}

}  // namespace app
