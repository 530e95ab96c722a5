// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "modules.hpp"
#include "snapshot.hpp"

namespace app::check {

/// An activation beyond this does not reach a module; its scale points the wrong way. What follows a norm is bounded
/// by the norm's weights: the RMS of n values is at least the largest over sqrt(n). For other modules a limit that
/// half precision exceeds several times. The norm is not read where `implied` is small enough for any.
double largest_input(const Snapshot& c, const Module& m, double implied);

}  // namespace app::check
