// SPDX-License-Identifier: Apache-2.0
#include "compare/command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "compare/compare.hpp"
#include "failure.hpp"
#include "number_options.hpp"
#include "text_file.hpp"

namespace app {

void add_compare(CLI::App& cli) {
  static CompareOptions o;
  static std::filesystem::path html, json;
  CLI::App* c = cli.add_subcommand("compare", "How far the weights of a model are from another's");
  c->add_option("A", o.a, "the original: a Hugging Face directory, plain or quantized")->required();
  c->add_option("B", o.b, "its copy, plain or quantized in whatever way")->required();
  c->add_option("--html", html, "write a page with plots, which needs nothing but itself");
  c->add_option("--json", json, "write all figures as JSON");
  c->add_option("--only", o.only, "compare weights of these names only (* and ? match); may be repeated");
  c->add_option("--worst", o.worst, "how many of the worst to print")
      ->check(not_negative())
      ->capture_default_str();
  c->add_option("--min-db", o.min_db, "SQNR that no weight may fall short of")->check(positive());
  c->add_option("--threads", o.threads, "threads; all cores when not given")->check(not_negative());
  c->add_flag("--quiet", o.quiet, "no progress bar and no tables");
  c->footer("Exit status: 0; 2 when a weight falls short of --min-db.");
  c->callback([] {
    for (const auto& file : {html, json})
      if (!file.empty()) check_writable(file);
    const report::Report r = compare(o);
    if (!html.empty()) report::write_html(r, html);
    if (!json.empty()) report::write_json(r, json);
    if (!o.quiet) fmt::print("{}", compare_text(o, r));
    if (o.min_db <= 0) return;
    for (const report::TensorRecord& t : r.tensors)
      if (t.sqnr_db() < o.min_db || t.not_finite != 0) {
        fmt::print(stderr, "nvq: {} has {:.2f} dB{}\n", t.name, t.sqnr_db(),
                   t.not_finite != 0 ? " and values that are not finite" : "");
        throw CLI::RuntimeError(2);
      }
  });
}

}  // namespace app
