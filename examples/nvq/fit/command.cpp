// SPDX-License-Identifier: Apache-2.0
#include "fit/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "fit/fit.hpp"
#include "number_options.hpp"
#include "rules.hpp"

namespace app {

void add_plan(CLI::App& cli) {
  static fit::Options o;
  static bool as_json = false, list = false;
  CLI::App* c = cli.add_subcommand(
      "plan", "Whether models fit into a machine, and how fast its memory lets them generate at most");
  c->add_option("DIR", o.models, "Hugging Face directories; config.json alone is enough for known families");
  c->add_option("--to", o.to, "a format of quantize, or source: the weights as they are")
      ->capture_default_str();
  c->add_option("--dialect", o.dialect, "as in quantize")->capture_default_str();
  c->add_option("--keep", o.keep, "as in quantize; may be repeated")->delimiter(',');
  c->add_option("--ctx", o.context, "tokens of each sequence")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 30))
      ->capture_default_str();
  c->add_option("--batch", o.batch, "sequences at a time")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20))
      ->capture_default_str();
  c->add_option("--kv", o.kv, "type of cached keys and values: bf16, f16, fp8 or nvfp4")
      ->capture_default_str();
  c->add_option("--machine", o.machine, "name of a machine, or a JSON file that describes one")
      ->capture_default_str();
  c->add_option("--devices", o.devices, "that many of them, sharing the work perfectly")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  c->add_option("--reserve-gb", o.reserve_gb, "memory for activations and graphs; estimated when not given")
      ->check(not_negative());
  c->add_option("--at-least", o.at_least,
                "tokens/s of one sequence that somebody claims or needs: refused above the ceiling")
      ->check(positive());
  c->add_option("--usd-per-hour", o.usd_per_hour, "price of the machine")->check(positive());
  c->add_option("--disk-gb-per-s", o.disk_gb_per_s, "speed of the disk while quantizing")
      ->check(positive())
      ->capture_default_str();
  c->add_flag("--json", as_json, "all figures as JSON");
  c->add_flag("--machines", list, "only list the machines known, with the sources of their figures");
  c->footer("Exit status: 0 when it fits, 2 when it does not or cannot be as fast as --at-least.");
  c->callback([] {
    if (list) {
      fmt::print("{}", fit::machine_table());
      return;
    }
    find_dialect(o.dialect);
    const fit::Result r = fit::fit(o);
    if (as_json)
      fmt::print("{}", nvq::io::dump_json(fit::to_json(o, r)));
    else
      fmt::print("{}", fit::text(o, r));
    if (!r.fits || !r.fast_enough) throw CLI::RuntimeError(2);
  });
}

}  // namespace app
