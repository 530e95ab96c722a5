// SPDX-License-Identifier: Apache-2.0
#include "job.hpp"

#include <string>

#include "codec.hpp"
#include "version.hpp"

namespace app {

namespace {

PlanOptions plan_options(const QuantizeOptions& options) {
  PlanOptions how;
  how.activation_amax = AmaxTable(options.activation_amax);
  how.kv_amax = AmaxTable(options.kv_amax);
  how.family = options.family;
  RuleOptions rules;
  rules.format = options.format;
  rules.recipe = options.recipe;
  rules.dialect = options.dialect;
  rules.activations = options.activations;
  rules.has_activation_amax = how.activation_amax.given();
  rules.keep = options.keep;
  rules.preset = options.preset;
  if (!options.rules.empty()) {
    rules.rules_file = options.rules.string();
    rules.rules = read_text(options.rules, std::int64_t{1} << 20);
  }
  how.rules = make_rules(rules);
  const Treatment& main = how.rules.treatments.front();
  how.metadata = {
      {"format", "pt"},
      {"producer", "nvq " + version_text()},
      {"recipe", std::string(make_codec(main.scheme, nvq::io::dtype::f32, main.recipe)->recipe())}};
  return how;
}

}  // namespace

Job::Job(const QuantizeOptions& options) : Job(options, plan_options(options)) {}

Job::Job(const QuantizeOptions& options, const PlanOptions& how)
    : source(options.model),
      plan(make_plan(source, how)),
      memory(plan_memory(plan, options.max_rss, options.threads, options.batch_bytes)) {}

}  // namespace app
