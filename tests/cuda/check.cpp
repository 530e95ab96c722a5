// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include <algorithm>

namespace executor {

namespace {

std::vector<schedule> schedules(const code_site* without) {
  std::vector<schedule> all{{order::forward, 0, without}, {order::reverse, 0, without}};
  for (std::uint64_t seed = 1; seed <= 4; ++seed) all.push_back({order::random, seed, without});
  return all;
}

std::string name(const schedule& s) {
  if (s.threads_in == order::forward) return "forward";
  if (s.threads_in == order::reverse) return "reverse";
  return "random, seed " + std::to_string(s.seed);
}

bool succeeds(const outcome& o) { return o.run.error.empty() && o.as_expected; }

std::string check_orders(const runner& run, std::vector<code_site>& barriers) {
  std::string failures;
  for (const schedule& s : schedules(nullptr)) {
    const outcome o = run(s);
    if (!succeeds(o)) {
      failures +=
          name(s) + ": " + (o.run.error.empty() ? "the output is not as expected" : o.run.error) + "\n";
    }
    for (const code_site at : o.run.barriers) {
      const auto is_same = [=](code_site b) { return same(at, b); };
      if (std::none_of(barriers.begin(), barriers.end(), is_same)) barriers.push_back(at);
    }
  }
  return failures;
}

}  // namespace

std::string check_orders(const runner& run) {
  std::vector<code_site> barriers;
  return check_orders(run, barriers);
}

std::string check_barriers(const runner& run) {
  std::vector<code_site> barriers;
  std::string failures = check_orders(run, barriers);
  if (!failures.empty()) return failures;
  for (const code_site& at : barriers) {
    const std::vector<schedule> all = schedules(&at);
    if (std::all_of(all.begin(), all.end(), [&](const schedule& s) { return succeeds(run(s)); })) {
      failures += "nothing notices that the barrier at " + to_string(at) + " is missing\n";
    }
  }
  return failures;
}

}  // namespace executor
