// SPDX-License-Identifier: Apache-2.0
#include "fit/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "failure.hpp"

namespace app::fit {

namespace {

/// Tokens that engines push through the model at once while they read a prompt.
constexpr std::int64_t prompt_chunk = 2048;
/// The driver's context, kernels and captured graphs: what is there before the first tensor.
constexpr double runtime_bytes = 1.5e9;

/// Two residual streams, q, k, v and the feed-forward's two inner vectors of a chunk in 16 bits, logits and
/// their softmax in float: an estimate, which --reserve-gb replaces.
double working_bytes(const Architecture& a, std::int64_t context, std::int64_t batch) {
  const auto chunk = static_cast<double>(std::min(std::max(context, batch), prompt_chunk));
  const auto per_token =
      static_cast<double>(4 * a.hidden + 3 * a.heads * a.head_dim + 3 * std::max(a.intermediate, a.hidden));
  return runtime_bytes + chunk * per_token * 2.0 +
         static_cast<double>(batch) * static_cast<double>(a.vocabulary) * 8.0;
}

/// The largest n in [0, limit] for which fits(n), which must hold up to some n and not beyond.
template <class Fits>
std::int64_t largest(std::int64_t limit, Fits fits) {
  if (!fits(0)) return -1;
  std::int64_t low = 0, high = limit;
  while (low < high) {
    const std::int64_t middle = high - (high - low) / 2;
    if (fits(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

ModelFit fit_model(const Options& o, const Machine& m, const std::filesystem::path& directory) {
  ModelFit f;
  f.path = directory.string();
  std::string note;
  const Checkpoint model = open_model(directory, f.from_config, note);
  f.architecture = read_architecture(model.config(), (directory / "config.json").string());
  const Architecture& a = f.architecture;
  const double value = kv_bytes(o.kv);
  f.source_bytes = static_cast<double>(model.total_bytes());
  f.weights = weigh(model, a, o.to, o.dialect, o.keep);
  if (!note.empty()) f.weights.notes.push_back(note);
  f.active_parameters = f.weights.active_parameters(a);
  f.cache_per_sequence = a.cache_bytes(o.context, value);
  f.cache_per_token = a.bytes_per_token(value);
  f.state = static_cast<double>(a.state_bytes());
  f.working = o.reserve_gb >= 0 ? o.reserve_gb * 1e9 : working_bytes(a, o.context, o.batch);
  const Speed first = speed(a, f.weights, m, o.devices, 1, 0, value);
  f.short_ceiling = first.ceiling;
  f.short_measured = first.measured;
  std::set<std::int64_t> batches = {1, 2, 4, 8, 16, 32, 64, o.batch};
  for (const std::int64_t b : batches)
    f.speeds.push_back(speed(a, f.weights, m, o.devices, b, o.context, value));
  if (m.flops > 0)
    f.prefill_seconds = 2.0 * f.active_parameters * static_cast<double>(o.context) /
                        (m.flops * static_cast<double>(o.devices));
  return f;
}

}  // namespace

double kv_bytes(const std::string& kind) {
  if (kind == "bf16" || kind == "f16") return 2.0;
  if (kind == "fp8") return 1.0;
  if (kind == "nvfp4") return 0.5625;
  throw Failure("unknown cache type '" + kind + "'; known are bf16, f16, fp8 and nvfp4");
}

Speed speed(const Architecture& a, const Weights& w, const Machine& m, int devices, std::int64_t batch,
            std::int64_t context, double value_bytes) {
  const auto n = static_cast<double>(batch), many = static_cast<double>(devices);
  Speed s;
  s.batch = batch;
  // A recurrent layer writes its state as well.
  s.bytes = w.bytes_per_step(a, batch) +
            n * (a.cache_bytes(context, value_bytes) + static_cast<double>(a.state_bytes()));
  const auto tokens = [&](double bandwidth) { return n * bandwidth * many / s.bytes; };
  s.ceiling = tokens(m.bandwidth);
  if (m.measured > 0) s.measured = tokens(m.measured);
  const double by_flops = m.flops * many / (2.0 * std::max(1.0, w.active_parameters(a)));
  if (m.flops > 0 && by_flops < s.ceiling) {
    s.arithmetic = true;
    s.ceiling = by_flops;
    s.measured = s.measured > 0 ? std::min(s.measured, by_flops) : 0;
  }
  return s;
}

Result fit(const Options& o) {
  if (o.models.empty()) throw Failure("name at least one model");
  Result r;
  r.machine = find_machine(o.machine);
  const auto devices = static_cast<double>(o.devices);
  r.usable = r.machine.usable_bytes * devices;
  r.reserve = r.machine.reserve_bytes * devices;
  const double value = kv_bytes(o.kv);
  for (const auto& m : o.models) r.models.push_back(fit_model(o, r.machine, m));

  double others = 0;
  for (const ModelFit& f : r.models) {
    const double all = static_cast<double>(f.weights.sum().total()) + f.working +
                       f.cache_per_sequence * static_cast<double>(o.batch);
    r.need += all;
    if (&f != &r.models[0]) others += all;
  }
  r.need += r.reserve;
  r.fits = r.need <= r.usable;

  const ModelFit& f = r.models[0];
  const auto fits = [&](std::int64_t batch, std::int64_t context) {
    const double working = o.reserve_gb >= 0 ? f.working : working_bytes(f.architecture, context, batch);
    return static_cast<double>(f.weights.sum().total()) + working + others + r.reserve +
               static_cast<double>(batch) * f.architecture.cache_bytes(context, value) <=
           r.usable;
  };
  r.largest_batch = largest(std::int64_t{1} << 20, [&](std::int64_t b) { return fits(b, o.context); });
  r.longest_context = largest(std::int64_t{1} << 30, [&](std::int64_t c) { return fits(o.batch, c); });
  if (o.at_least > 0)
    for (const ModelFit& each : r.models) r.fast_enough = r.fast_enough && each.short_ceiling >= o.at_least;
  return r;
}

}  // namespace app::fit
