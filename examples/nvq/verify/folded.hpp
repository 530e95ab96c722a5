// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "decode.hpp"
#include "source_rows.hpp"

namespace app::check {

/// Judges a weight into which AWQ folded a factor per column, whose inverse is in the layer before, and perhaps
/// one per row, whose inverse is in the layer after. The factors are those that fit best, so a wrong factor of a
/// whole row or column cannot show; what is out of order does. `result.error` becomes what no factors explain.
void judge_folded(Comparison& result, const Decoder& d, const SourceRows& source, std::int64_t expert,
                  const Module& m, double limit);

}  // namespace app::check
