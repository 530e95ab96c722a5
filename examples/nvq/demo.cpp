// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <system_error>

#include "checkpoint.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "table.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

/// An earlier demo's directory may be replaced; anything else stays, and its presence is reported when it is
/// written.
void remove_earlier(const fs::path& directory) {
  std::error_code ec;
  if (!fs::exists(directory / "config.json", ec)) return;
  const Checkpoint earlier(directory);
  for (const auto& [key, value] : earlier.shards()[0].metadata)
    if (key == "producer" && value.rfind("nvq ", 0) == 0) fs::remove_all(directory, ec);
}

}  // namespace

std::string demo(const DemoOptions& options) {
  std::error_code ec;
  fs::create_directories(options.out_root, ec);
  if (ec) throw Failure(options.out_root.string() + ": cannot create this directory: " + ec.message());
  Table table({"format", "recipe", ">bits/weight", ">bytes", ">of source", ">SQNR mean", ">SQNR worst",
               "worst tensor", ">seconds"});
  for (const std::string& wanted : options.formats) {
    QuantizeOptions q;
    q.model = options.model;
    q.format = wanted.substr(0, wanted.find(':'));
    if (q.format.size() < wanted.size()) q.recipe = wanted.substr(q.format.size() + 1);
    q.out = options.out_root / (q.recipe.empty() ? q.format : q.format + '-' + q.recipe);
    q.threads = options.threads;
    q.quiet = options.quiet;
    remove_earlier(q.out);
    const QuantizeResult r = quantize(q);
    table.row({q.format, r.formats.front().substr(r.formats.front().rfind(' ') + 1),
               fmt::format("{:.4f}", r.weight_bits), with_commas(r.bytes_after),
               fmt::format("{:.1f} %",
                           100.0 * static_cast<double>(r.bytes_after) / static_cast<double>(r.bytes_before)),
               fmt::format("{:.2f} dB", r.mean_db), fmt::format("{:.2f} dB", r.worst_db), r.worst,
               fmt::format("{:.2f}", r.seconds)});
  }
  return table.text();
}

}  // namespace app
