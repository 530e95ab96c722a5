// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor.hpp"

namespace executor {

struct outcome {
  report run;
  bool as_expected;  // the output is what it should be
};

/// Runs a kernel on fresh output under the schedule given.
using runner = std::function<outcome(const schedule&)>;

/// Runs the kernel under every order. Empty, or what went wrong in which: CHECK(check_orders(...) == "").
std::string check_orders(const runner& run);

/// The same, and then without each barrier() and warp_barrier() that was reached in turn, which at least one order
/// must notice. A kernel that goes wrong must not leave its buffers: indices that it reads from shared memory may be
/// 0xFFFFFFFF then.
std::string check_barriers(const runner& run);

}  // namespace executor
