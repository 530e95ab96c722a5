// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nvq/io/dialect.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"

namespace app {

/// A quantized weight found in a checkpoint.
struct StoredWeight {
  std::string module;
  std::int64_t rows = 0, columns = 0;
  nvq::io::dtype wide = nvq::io::dtype::f32;
  std::vector<std::pair<nvq::io::part, const Tensor*>> parts;

  /// nullptr when the weight has no such part.
  const Tensor* find(nvq::io::part what) const;
};

/// The scheme of a quantized checkpoint, from its configuration. A Failure when there is none or it is
/// unknown here.
nvq::io::weight_scheme stored_scheme(const Checkpoint& checkpoint);

/// The quantized weights by module. A Failure names the first whose tensors do not have the names, dtypes and
/// shapes of the scheme.
std::map<std::string, StoredWeight> stored_weights(const Checkpoint& checkpoint,
                                                   const nvq::io::weight_scheme& scheme);

}  // namespace app
