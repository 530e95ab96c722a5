// SPDX-License-Identifier: Apache-2.0
#include "ranks/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "failure.hpp"
#include "ranks/launcher.hpp"
#include "ranks/share.hpp"
#include "ranks/team_run.hpp"

namespace app {

bool quantize_with_others(const QuantizeOptions& options, const std::string& shard,
                          const std::vector<std::filesystem::path>& reports) {
  if (shard.empty()) {
    const std::optional<Launch> l = launch();
    if (!l || l->share.size == 1) return false;
    if (l->mpi) {
      const std::unique_ptr<Team> team = join_team(*l);
      if (!quantize_in_team(options, *team, reports)) throw CLI::RuntimeError(1);
      return true;
    }
    throw Failure(
        fmt::format("{} started {} of this command; give --shard auto to share the work between them, and "
                    "then `nvq merge`, or --shard 0/1 where one shall do all of it",
                    l->by, l->share.size));
  }
  const Share share = parse_share(shard);
  if (share.size == 1) return false;
  if (!reports.empty())
    throw Failure("--report: a rank has a share of the model only; give it to `nvq merge`");
  const ShareResult r = quantize_share(options, share);
  if (!options.quiet) fmt::print("{}", summary(r));
  return true;
}

void add_merge(CLI::App& cli) {
  static MergeOptions o;
  static std::vector<std::filesystem::path> reports;
  static bool quiet = false;
  CLI::App* c = cli.add_subcommand("merge", "Make one checkpoint of what `nvq quantize --shard r/N` wrote");
  c->add_option("OUT_DIR", o.out, "the directory that was given to the ranks")->required();
  c->add_option("--model", o.model, "the source, when it is not where the ranks found it");
  c->add_option("--report", reports, "as in `nvq quantize`");
  c->add_flag("--quiet", quiet, "no progress bar and no table");
  c->callback([] {
    check_reports(reports);
    QuantizeOptions merged;
    const QuantizeResult r = merge(o, merged);
    merged.quiet = quiet;
    if (!quiet) fmt::print("{}", summary(r));
    report_quantized(merged, reports);
  });
}

}  // namespace app
