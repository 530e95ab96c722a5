// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "plan.hpp"

namespace app {

/// What a command line of `nvq quantize` comes to: the same in every process that is given the same.
struct Job {
  explicit Job(const QuantizeOptions& options);
  Job(const Job&) = delete;

  Checkpoint source;
  Plan plan;  ///< points into the source
  MemoryPlan memory;

 private:
  Job(const QuantizeOptions& options, const PlanOptions& how);
};

}  // namespace app
