// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ranks/launcher.hpp"

namespace app {

/// Processes that one launcher started and that talk to each other. All calls but next() and leave() are made
/// by all of them, in the same order; they throw when this one is interrupted.
class Team {
 public:
  virtual ~Team() = default;
  virtual Share share() const = 0;
  /// How many of them are on this machine.
  virtual int on_this_machine() const = 0;
  /// What rank 0 says; the others' text is ignored.
  virtual std::string told(const std::string& text) = 0;
  /// Makes every value the largest of all ranks'.
  virtual void maximum(std::vector<float>& values) = 0;
  /// The lowest rank that says it failed; -1 when none does.
  virtual int first_failed(bool failed) = 0;

  /// Begins to hand out numbers below `count`. Rank 0 is told what the others have done.
  virtual void hand_out(std::int64_t count, const std::function<void(std::int64_t)>& progress) = 0;
  /// The next number, -1 when there is none left. `done`: bytes since the last call.
  virtual std::int64_t next(std::int64_t done) = 0;
  /// Returns when all ranks have been told that there is none left.
  virtual void all_handed_out() = 0;

  /// Ends all ranks at once.
  [[noreturn]] virtual void abandon() = 0;
};

/// The processes that `launch` tells of. A Failure when this program is built without MPI, or with one that
/// does not find them.
std::unique_ptr<Team> join_team(const Launch& launch);

/// "Open MPI 4.1.4", or empty when this program is built without MPI.
std::string mpi_name();

}  // namespace app
