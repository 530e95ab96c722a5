// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "fit/fit.hpp"

namespace app::fit {

namespace {

using nvq::io::json;

json class_json(const ClassBytes& c) {
  return {{"class", c.name},          {"parameters", c.parameters}, {"codes_bytes", c.codes},
          {"scales_bytes", c.scales}, {"kept_bytes", c.kept},       {"bytes", c.total()}};
}

json speed_json(const Speed& s) {
  json j = {{"batch", s.batch},
            {"bytes_per_step", s.bytes},
            {"tokens_per_s", s.ceiling},
            {"limit", s.arithmetic ? "arithmetic" : "memory"}};
  if (s.measured > 0) j["tokens_per_s_measured_bandwidth"] = s.measured;
  return j;
}

json model_json(const Options& o, const ModelFit& f) {
  const Architecture& a = f.architecture;
  json j = {{"path", f.path},
            {"family", a.family},
            {"shapes", f.from_config ? "config.json" : "headers"},
            {"parameters", f.weights.sum().parameters},
            {"active_parameters", f.active_parameters},
            {"weights", class_json(f.weights.sum())},
            {"file_overhead_bytes", f.weights.files},
            {"classes", json::array()},
            {"cache",
             {{"bytes_per_token", f.cache_per_token},
              {"state_bytes", f.state},
              {"bytes_per_sequence", f.cache_per_sequence},
              {"bytes", f.cache_per_sequence * static_cast<double>(o.batch)}}},
            {"working_bytes", f.working},
            {"bytes_per_token", f.weights.bytes_per_step(a, 1)},
            {"tokens_per_s", f.short_ceiling},
            {"speeds", json::array()},
            {"notes", f.weights.notes}};
  if (f.short_measured > 0) j["tokens_per_s_measured_bandwidth"] = f.short_measured;
  if (f.prefill_seconds > 0) j["prefill_seconds_estimate"] = f.prefill_seconds;
  for (const ClassBytes& c : f.weights.classes) j["classes"].push_back(class_json(c));
  for (const Speed& s : f.speeds) j["speeds"].push_back(speed_json(s));
  return j;
}

}  // namespace

json to_json(const Options& o, const Result& r) {
  json j = {{"machine",
             {{"name", r.machine.name},
              {"devices", o.devices},
              {"usable_bytes", r.usable},
              {"reserve_bytes", r.reserve},
              {"bytes_per_s", r.machine.bandwidth},
              {"measured_bytes_per_s", r.machine.measured},
              {"bf16_flops", r.machine.flops},
              {"sources", r.machine.sources}}},
            {"format", o.to},
            {"kv", o.kv},
            {"context", o.context},
            {"batch", o.batch},
            {"models", json::array()},
            {"need_bytes", r.need},
            {"fits", r.fits},
            {"largest_batch", r.largest_batch},
            {"longest_context", r.longest_context}};
  if (o.at_least > 0) j["claim"] = {{"tokens_per_s", o.at_least}, {"possible", r.fast_enough}};
  for (const ModelFit& f : r.models) {
    j["models"].push_back(model_json(o, f));
    if (o.usd_per_hour > 0)
      for (std::size_t i = 0; i < f.speeds.size(); ++i)
        j["models"].back()["speeds"][i]["usd_per_million_tokens"] =
            o.usd_per_hour / 3600 / f.speeds[i].ceiling * 1e6;
  }
  return j;
}

}  // namespace app::fit
