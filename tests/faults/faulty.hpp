// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "app/app.hpp"

// What the tests of failing writes share.

namespace test {

struct Call {
  std::string name, path;
};

bool contains(const std::string& text, const std::string& part);

/// nvq with faults, and the calls it made.
class Faulty {
 public:
  /// `under`: what the paths of files begin with whose calls count.
  explicit Faulty(fs::path under) : under_(std::move(under)) {}

  /// The n-th call fails; none when n is 0.
  Outcome run(const std::vector<std::string>& arguments, int n, int error);
  /// Every write stops half way.
  Outcome run_short(const std::vector<std::string>& arguments) { return run(arguments, -1, 0); }

  const std::vector<Call>& calls() const { return calls_; }
  std::set<std::string> names() const;
  /// The call that failed in the last run.
  const Call& failed(int n) const;

 private:
  TempDir dir_;
  fs::path under_;
  std::vector<Call> calls_;
};

/// The errors take turns.
int error_of(int n);

/// All that an error of this kind must say.
void check_refusal(const Outcome& no, const fs::path& path, int error, int status = 1);

}  // namespace test
