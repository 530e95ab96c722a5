// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checks.hpp"

namespace app::check {

/// What a comparison with the source did.
struct SourceSummary {
  std::int64_t compared = 0;
  std::vector<std::string> skipped;        ///< modules, and why
  double mean_error = 0, worst_error = 0;  ///< of decoded weights, relative to the source
  std::string worst;
};

/// V12: tensors of the source that are gone. V19: what changed in config.json. Then every quantized weight is
/// decoded and compared: V4, V15, V22, N-dead, N-nibbles, N-swizzle, N-source.
SourceSummary check_source(Context& x, const Snapshot& source);

/// Keys of the source's configuration that another one lost or changed, and should not have.
std::vector<std::string> changed_keys(const nvq::io::json& ours, const nvq::io::json& theirs);

/// A weight of the source, of a matrix or of one expert of a stack.
struct SourceWeight {
  const Entry* tensor = nullptr;
  std::int64_t first = 0;                      ///< value where it begins
  std::int64_t row_step = 1, column_step = 1;  ///< in values
};
/// Nothing when the source has no plain weight of that extent for the module.
std::optional<SourceWeight> source_weight(const Snapshot& source, const Module& m, std::int64_t expert);

/// Whether engines expect the rows of such a module in an order that they know.
bool has_ordered_rows(std::string_view module);

/// Compares one module; what is wrong is added under the lock of the caller. `folds`: another layer may have
/// factors of its rows and columns.
struct Comparison {
  bool done = false;
  double error = 0;                 ///< norm of the difference over the norm of the source
  std::string rule, subject, seen;  ///< empty rule: all is well
};
Comparison compare_with_source(const Snapshot& c, const Snapshot& source, const Module& m, bool folds);

}  // namespace app::check
