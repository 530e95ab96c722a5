// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/layout/base.hpp>
#include <type_traits>

// Where the units of a tile lie: 64 x 64 of a grid whose layout says that it is separable(), offset(r, c) = f(r) + g(c).

NVQ_BEGIN_NAMESPACE
namespace layout {

template <class L, class = void>
inline constexpr bool separates = false;
template <class L>
inline constexpr bool separates<L, std::enable_if_t<L::separable()>> = true;

namespace tiles {

constexpr std::int64_t side = 64;

/// The rows of a tile: f(r).
struct row_places {
  std::int64_t at[side];
  std::int64_t count, first;  ///< `first`: the least of them
  bool even, in_order;        ///< all are; they are `first` and what follows, row from[i] the i-th
  unsigned char from[side];
};

/// The columns of the first 64: g(c) - g(0). Those of every other 64 are these and a multiple of `step`.
struct column_places {
  std::int64_t at[side];
  std::int64_t step;
  /// How many follow each other from an even one on, from column 0 and every `run`-th: 64, 8, 4, or 1.
  int run;
  bool even;
  /// Nibbles: `pairs` pairs of columns share a byte each, low[i] and high[i], and no column is left over.
  int pairs;
  unsigned char low[side / 2], high[side / 2];
  /// Pairs 8i to 8i + 7 are columns that follow each other, in bytes that follow each other.
  bool by_eight_pairs;
};

template <class L>
void find_rows(const L& layout, std::int64_t r0, std::int64_t n, row_places& p) noexcept {
  p.count = n;
  for (std::int64_t r = 0; r < n; ++r) p.at[r] = layout.offset(r0 + r, 0);
  std::int64_t odd = 0;
  p.first = p.at[0];
  for (std::int64_t r = 0; r < n; ++r) {
    odd |= p.at[r] & 1;
    p.first = p.at[r] < p.first ? p.at[r] : p.first;
  }
  p.even = odd == 0;
  bool taken[side] = {};
  p.in_order = L::bits() != 4 || p.first % 2 == 0;
  for (std::int64_t r = 0; r < n; ++r) {
    const std::int64_t at = p.at[r] - p.first;
    p.in_order = p.in_order && at < n && !taken[at];
    if (!p.in_order) return;
    taken[at] = true;
    p.from[at] = static_cast<unsigned char>(r);
  }
}

inline bool follow(const column_places& p, std::int64_t n, std::int64_t run) noexcept {
  std::int64_t wrong = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    const std::int64_t start = p.at[c / run * run];
    wrong |= (p.at[c] - start - c % run) | (start & 1);
  }
  return wrong == 0;
}

/// Which of n columns share a byte.
inline void find_pairs(column_places& p, std::int64_t n) noexcept {
  p.pairs = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    if (p.at[c] % 2 != 0) continue;
    std::int64_t partner = 0;
    while (partner < n && p.at[partner] != p.at[c] + 1) ++partner;
    if (partner == n) break;
    p.low[p.pairs] = static_cast<unsigned char>(c);
    p.high[p.pairs++] = static_cast<unsigned char>(partner);
  }
  if (2 * p.pairs != n) p.pairs = 0;
  p.by_eight_pairs = p.pairs % 8 == 0;
  for (int i = 0; i < p.pairs; ++i) {
    const int j = i / 8 * 8;
    p.by_eight_pairs = p.by_eight_pairs && p.at[p.low[i]] == p.at[p.low[j]] + 2 * (i - j) &&
                       p.low[i] == p.low[j] + i - j && p.high[i] == p.high[j] + i - j;
  }
}

template <class L>
void find_columns(const L& layout, column_places& p) noexcept {
  const std::int64_t origin = layout.offset(0, 0), all = layout.padded().columns(),
                     n = all < side ? all : side;
  std::int64_t odd = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    p.at[c] = layout.offset(0, c) - origin;
    odd |= p.at[c] & 1;
  }
  p.step = all > side ? layout.offset(0, side) - origin : 0;
  p.even = odd == 0;
  p.run = n == side && follow(p, n, side) ? 64 : follow(p, n, 8) ? 8 : follow(p, n, 4) ? 4 : 1;
  p.pairs = 0;
  if (L::bits() == 4 && p.run < 8 && !p.even) find_pairs(p, n);
}

}  // namespace tiles
}  // namespace layout
NVQ_END_NAMESPACE
