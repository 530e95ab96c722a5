// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "report/record.hpp"

namespace app::report {

namespace {

using nvq::io::json;

/// JSON has no infinities: null.
json finite(double x) { return std::isfinite(x) ? json(x) : json(); }

json record_json(const TensorRecord& t) {
  json j = {{"name", t.name},
            {"class", t.kind},
            {"format", t.format},
            {"layer", t.layer},
            {"values", t.values},
            {"bytes", t.bytes},
            {"sqnr_db", finite(t.sqnr_db())},
            {"relative_error", finite(std::sqrt(t.nmse()))},
            {"signal", t.signal},
            {"noise", t.noise}};
  if (t.layer < 0) j.erase("layer");
  const std::pair<const char*, double> known[] = {
      {"cosine", t.cosine()}, {"max_error", t.max_error}, {"amax", t.amax}};
  for (const auto& [key, value] : known)
    if (!std::isnan(value)) j[key] = finite(value);
  if (t.clipped >= 0) j["clipped"] = t.clipped;
  if (t.flushed >= 0) j["flushed_to_zero"] = t.flushed;
  if (t.not_finite > 0) j["not_finite"] = t.not_finite;
  return j;
}

}  // namespace

json report_json(const Report& r) {
  json j = {{"title", r.title},        {"facts", json::object()},        {"tensors", json::array()},
            {"scales", json::array()}, {"worth_keeping", json::array()}, {"notes", r.notes}};
  for (const auto& [key, value] : r.facts) j["facts"][key] = value;
  for (const TensorRecord& t : r.tensors) j["tensors"].push_back(record_json(t));
  for (const ScaleHistogram& h : r.scales) {
    json bars = json::array();
    for (const auto& [label, count] : h.bars)
      if (count != 0) bars.push_back({label, count});
    j["scales"].push_back({{"title", h.title}, {"axis", h.axis}, {"bars", bars}});
  }
  const auto choices = keep_choices(r.tensors);
  for (std::size_t i = 0; i < std::min<std::size_t>(choices.size(), 100); ++i)
    j["worth_keeping"].push_back({{"group", choices[i].group},
                                  {"weights", choices[i].modules.size()},
                                  {"extra_bytes", choices[i].extra_bytes},
                                  {"share_of_noise", choices[i].share}});
  return j;
}

}  // namespace app::report
