// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/dialect_parts.hpp>
#include <nvq/span.hpp>
#include <vector>

#include "codec.hpp"

namespace app {

/// Rows of a quantized matrix: all of a weight's, or a run of them.
struct Arranged {
  nvq::io::weight_scheme scheme;
  std::int64_t rows, columns;
};

/// Whether a part's bytes mix rows that lie far apart, so that it is written and read for a whole weight only.
bool spans_rows(nvq::io::part what);

/// How many rows of a weight a part packs together: runs of rows begin at a multiple of it.
std::int64_t rows_together(nvq::io::part what);

/// The bytes of one stored part, out of the library's order; empty for parts that hold neither codes, scales
/// nor zero points. They lie in `encoded` or in `scratch`.
nvq::span<const std::uint8_t> arrange(nvq::io::part what, const Arranged& shape, const Encoded& encoded,
                                      std::vector<std::uint8_t>& scratch);

/// The way back: fills what the part holds of `encoded`, and leaves the rest.
void restore(nvq::io::part what, const Arranged& shape, nvq::span<const std::uint8_t> bytes,
             Encoded& encoded);

}  // namespace app
