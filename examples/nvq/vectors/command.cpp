// SPDX-License-Identifier: Apache-2.0
#include "vectors/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "codec.hpp"
#include "failure.hpp"
#include "vectors/sets.hpp"
#include "vectors/write.hpp"

namespace app {

namespace {

std::string formats_help() {
  std::string text = "Formats and their recipes, the default first (docs/recipes.md has the formulas):\n";
  for (const FormatName& f : format_names())
    if (!f.double_quant) text += fmt::format("  {:<12} {}\n", f.name, fmt::join(recipe_names(f), ", "));
  return text;
}

void add_write(CLI::App& cli) {
  static vectors::WriteOptions o;
  CLI::App* c =
      cli.add_subcommand("vectors", "Write reference inputs, codes and decoded values, to test kernels with");
  c->add_option("--format", o.format, "format")->capture_default_str();
  c->add_option("--recipe", o.recipe, "recipe; the format's default when not given");
  c->add_option("--rounding", o.rounding, "nearest, or stochastic: by Philox4x32-10 with --seed")
      ->capture_default_str();
  c->add_option("--seed", o.seed, "of random inputs and of stochastic rounding")->capture_default_str();
  c->add_option("--sets", o.sets,
                fmt::format("{}; all when not given", fmt::join(vectors::set_names(), ", ")))
      ->delimiter(',');
  c->add_option("--out", o.out, "directory to create; must not exist")->required();
  c->footer(formats_help());
  c->callback([] { fmt::print("{}", vectors::write_vectors(o)); });
}

void add_check(CLI::App& cli) {
  static vectors::CheckOptions o;
  CLI::App* c = cli.add_subcommand("check-codes", "Compare what a kernel wrote with a set of `nvq vectors`");
  c->add_option("MINE", o.mine,
                "file of raw bytes, laid out as the set's; codes below 8 bits may have a byte each")
      ->required();
  c->add_option("--against", o.against, "the set's NAME.json; its files are beside it")->required();
  c->add_option("--part", o.part,
                "codes, scales, zero_points or decoded; what the set is for when not given");
  c->footer("Exit status: 0 when all is equal, 1 when something differs, 2 when it cannot be compared.");
  c->callback([] {
    int status = 2;
    try {
      status = vectors::check_codes(o);
    } catch (const Failure& e) {
      fmt::print(stderr, "nvq: {}\n", e.what());
    }
    if (status == 0) return;
    std::fflush(stdout);
    throw CLI::RuntimeError(status);
  });
}

}  // namespace

void add_vectors(CLI::App& cli) {
  add_write(cli);
  add_check(cli);
}

}  // namespace app
