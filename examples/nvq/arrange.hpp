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

/// Whether a part holds codes, scales or zero points, something of every row.
bool holds_rows(nvq::io::part what);

/// Whether a part's tensor is [in, out]: rows of the weight are columns of it.
bool spans_rows(nvq::io::part what);

/// Whether a part of such a weight is written when all of its rows are encoded: it spans rows, or holds scales that
/// are quantized once more.
bool written_last(const nvq::io::weight_scheme& scheme, nvq::io::part what);

/// How many rows of a weight a part packs into one word: runs of rows begin at a multiple of it.
std::int64_t rows_together(nvq::io::part what);

/// The bytes of one stored part, out of the library's order; empty for parts that hold neither codes, scales
/// nor zero points. They lie in `encoded` or in `scratch`.
nvq::span<const std::uint8_t> arrange(nvq::io::part what, const Arranged& shape, const Encoded& encoded,
                                      std::vector<std::uint8_t>& scratch);

/// The way back: fills what the part holds of `encoded`, and leaves the rest.
void restore(nvq::io::part what, const Arranged& shape, nvq::span<const std::uint8_t> bytes,
             Encoded& encoded);

}  // namespace app
