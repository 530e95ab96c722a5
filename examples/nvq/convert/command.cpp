// SPDX-License-Identifier: Apache-2.0
#include "convert/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "convert/convert.hpp"
#include "memory.hpp"
#include "number_options.hpp"
#include "rules.hpp"

namespace app {

void add_convert(CLI::App& cli) {
  static ConvertOptions o;
  static std::string max_rss = "1G";
  CLI::App* c = cli.add_subcommand(
      "convert", "Rewrite a quantized checkpoint in another dialect, without quantizing anything again");
  c->add_option("DIR", o.model, "a quantized checkpoint")->required();
  c->add_option("OUT_DIR", o.out, "directory to create; must not exist")->required();
  c->add_option("--to", o.to, fmt::format("the dialect: {}", fmt::join(dialect_names(), ", ")))->required();
  c->add_option("--activations", o.activations,
                "none or dynamic: what the engine shall do with activations that have no scales in the "
                "checkpoint, where that is not what it does now");
  c->add_option("--max-rss", max_rss, "memory to hold at most, as 900M or 4G")->capture_default_str();
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(not_negative());
  c->add_flag("--dry-run", o.dry_run, "only say what would become of it, or why it cannot be converted");
  c->add_flag("--quiet", o.quiet, "no progress bar and no table");
  c->callback([] {
    o.max_rss = parse_bytes(max_rss);
    const ConvertResult r = convert(o);
    if (!o.quiet) fmt::print("{}", summary(r));
  });
}

}  // namespace app
