// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/layout/tile_units.hpp>
#include <type_traits>

// Conversion by tiles of 64 x 64 units, for layouts that say that they are separable(). Where both keep the same units together,
// words are moved. Otherwise a tile is read into rows of one unit an element and written from there; each way in the longest
// runs that the layout has.

NVQ_BEGIN_NAMESPACE
namespace layout {
namespace tiles {

/// A tile in a buffer.
struct window {
  const row_places* row;
  const column_places* column;
  std::int64_t shift, columns;  ///< what is added for its first column; how many it has

  std::int64_t at(std::int64_t r) const noexcept { return row->at[r] + shift; }
  std::int64_t at(std::int64_t r, std::int64_t c) const noexcept { return at(r) + column->at[c]; }
};

/// What the next tile begins with: rows are pages apart, where nothing reads ahead by itself.
template <class L, int Write, class U>
void prefetch(const window& w, std::int64_t r, const U* buffer) noexcept {
  const std::int64_t next = w.at(r) + w.column->step;
  __builtin_prefetch(buffer + (L::bits() == 4 ? next / 2 : next), Write);
}

template <class L, int N, class U>
void read_rows(const window& w, const U* in, tile<U>& t) noexcept {
  for (std::int64_t r = 0; r < w.row->count; ++r) {
    prefetch<L, 0>(w, r, in);
    std::int64_t c = 0;
    for (; c + N <= w.columns; c += N) read_run<L, N>(in, w.at(r, c), &t.unit[r][c]);
    for (; c < w.columns; ++c) t.unit[r][c] = read_unit<L>(in, w.at(r, c));
  }
}
template <class L, int N, class U>
void write_rows(const window& w, const tile<U>& t, U* out) noexcept {
  for (std::int64_t r = 0; r < w.row->count; ++r) {
    prefetch<L, 1>(w, r, out);
    std::int64_t c = 0;
    for (; c + N <= w.columns; c += N) write_run<L, N>(out, w.at(r, c), &t.unit[r][c]);
    for (; c < w.columns; ++c) write_unit<L>(out, w.at(r, c), t.unit[r][c]);
  }
}

/// Columns that share bytes with others than their neighbours: all columns of the tile, rows that begin with a byte.
template <class U>
void read_pairs(const window& w, const U* in, tile<U>& t) noexcept {
  const column_places& p = *w.column;
  const int step = p.by_eight_pairs ? 8 : 1;
  for (int i = 0; i < p.pairs; i += step) {
    const U* const at = in + (w.shift + p.at[p.low[i]]) / 2;
    U *low = &t.unit[0][p.low[i]], *high = &t.unit[0][p.high[i]];
    for (std::int64_t r = 0; r < w.row->count; ++r, low += side, high += side) {
      if (step == 8) {
        const auto word = word_at<std::uint64_t>(at + w.row->at[r] / 2);
        put_word(low, word & 0x0F0F0F0F0F0F0F0Fu);
        put_word(high, word >> 4 & 0x0F0F0F0F0F0F0F0Fu);
      } else {
        const U byte = at[w.row->at[r] / 2];
        *low = byte & 0xF;
        *high = static_cast<U>(byte >> 4);
      }
    }
  }
}
template <class U>
void write_pairs(const window& w, const tile<U>& t, U* out) noexcept {
  const column_places& p = *w.column;
  const int step = p.by_eight_pairs ? 8 : 1;
  for (int i = 0; i < p.pairs; i += step) {
    U* const at = out + (w.shift + p.at[p.low[i]]) / 2;
    const U *low = &t.unit[0][p.low[i]], *high = &t.unit[0][p.high[i]];
    for (std::int64_t r = 0; r < w.row->count; ++r, low += side, high += side) {
      if (step == 8) {
        const std::uint64_t a = word_at<std::uint64_t>(low), b = word_at<std::uint64_t>(high);
        put_word(at + w.row->at[r] / 2, (a & 0x0F0F0F0F0F0F0F0Fu) | (b & 0x0F0F0F0F0F0F0F0Fu) << 4);
      } else {
        at[w.row->at[r] / 2] = static_cast<U>((*low & 0xF) | (*high & 0xF) << 4);
      }
    }
  }
}

/// Rows that follow each other: lines are the columns.
template <class L, int N, class U>
void read_lines(const window& w, const U* in, tile<U>& t) noexcept {
  tile<U> lines = {}, rows;
  for (std::int64_t c = 0; c < w.columns; ++c) {
    const std::int64_t at = w.row->first + w.shift + w.column->at[c];
    std::int64_t i = 0;
    for (; i + N <= w.row->count; i += N) read_run<L, N>(in, at + i, &lines.unit[c][i]);
    for (; i < w.row->count; ++i) lines.unit[c][i] = read_unit<L>(in, at + i);
  }
  transpose(lines, rows);
  for (std::int64_t i = 0; i < w.row->count; ++i)
    __builtin_memcpy(t.unit[w.row->from[i]], rows.unit[i], sizeof rows.unit[i]);
}
template <class L, int N, class U>
void write_lines(const window& w, const tile<U>& t, U* out) noexcept {
  tile<U> rows = {}, lines;
  for (std::int64_t i = 0; i < w.row->count; ++i)
    __builtin_memcpy(rows.unit[i], t.unit[w.row->from[i]], sizeof rows.unit[i]);
  transpose(rows, lines);
  for (std::int64_t c = 0; c < w.columns; ++c) {
    const std::int64_t at = w.row->first + w.shift + w.column->at[c];
    std::int64_t i = 0;
    for (; i + N <= w.row->count; i += N) write_run<L, N>(out, at + i, &lines.unit[c][i]);
    for (; i < w.row->count; ++i) write_unit<L>(out, at + i, lines.unit[c][i]);
  }
}

/// The ways to go through a tile, fastest first.
enum class way { rows_64, rows_8, rows_4, pairs, lines_64, lines_8, units };

template <class L>
way way_of(const window& w) noexcept {
  const bool even_rows = L::bits() != 4 || w.row->even;
  if (even_rows && w.column->run >= 64 && w.columns == side) return way::rows_64;
  if (even_rows && w.column->run >= 8) return way::rows_8;
  if (L::bits() != 4 && w.column->run >= 4) return way::rows_4;
  if (even_rows && w.column->pairs != 0 && w.columns == 2 * w.column->pairs) return way::pairs;
  if (w.row->in_order && (L::bits() != 4 || w.column->even))
    return w.row->count == side ? way::lines_64 : way::lines_8;
  return way::units;
}

template <class L, class U>
void read(const window& w, const U* in, tile<U>& t) noexcept {
  switch (way_of<L>(w)) {
    case way::rows_64:
      return read_rows<L, 64>(w, in, t);
    case way::rows_8:
      return read_rows<L, 8>(w, in, t);
    case way::pairs:
      if constexpr (L::bits() == 4) return read_pairs(w, in, t);
      break;
    case way::rows_4:
      if constexpr (L::bits() != 4) return read_rows<L, 4>(w, in, t);
      break;
    case way::lines_64:
      return read_lines<L, 64>(w, in, t);
    case way::lines_8:
      return read_lines<L, 8>(w, in, t);
    case way::units:
      break;
  }
  for (std::int64_t r = 0; r < w.row->count; ++r)
    for (std::int64_t c = 0; c < w.columns; ++c) t.unit[r][c] = read_unit<L>(in, w.at(r, c));
}

template <class L, class U>
void write(const window& w, const tile<U>& t, U* out) noexcept {
  switch (way_of<L>(w)) {
    case way::rows_64:
      return write_rows<L, 64>(w, t, out);
    case way::rows_8:
      return write_rows<L, 8>(w, t, out);
    case way::pairs:
      if constexpr (L::bits() == 4) return write_pairs(w, t, out);
      break;
    case way::rows_4:
      if constexpr (L::bits() != 4) return write_rows<L, 4>(w, t, out);
      break;
    case way::lines_64:
      return write_lines<L, 64>(w, t, out);
    case way::lines_8:
      return write_lines<L, 8>(w, t, out);
    case way::units:
      break;
  }
  for (std::int64_t r = 0; r < w.row->count; ++r)
    for (std::int64_t c = 0; c < w.columns; ++c) write_unit<L>(out, w.at(r, c), t.unit[r][c]);
}

/// Both ways are rows of runs of N units or more, which make a word W: `flip` of all bits that change.
template <int Bits, int N, class W, class U, class V>
void move_words(const window& from, const U* in, const window& to, V* out, W flip) noexcept {
  for (std::int64_t r = 0; r < to.row->count; ++r) {
    const std::int64_t f = from.at(r), t = to.at(r);
    for (std::int64_t c = 0; c < to.columns; c += N) {
      const W word = word_at<W>(in + (f + from.column->at[c]) * Bits / 8);
      put_word(out + (t + to.column->at[c]) * Bits / 8, static_cast<W>(word ^ flip));
    }
  }
}

/// Whether a full tile was moved by words.
template <class From, class To>
bool move(const window& from, const typename From::value_type* in, const window& to,
          typename To::value_type* out, unsigned flip) noexcept {
  if constexpr (From::bits() == To::bits() && From::bits() <= 8) {
    constexpr int bits = From::bits();
    const way a = way_of<From>(from), b = way_of<To>(to), longer = a > b ? a : b;
    const std::int64_t n = longer == way::rows_4 ? 4 : 8;
    if (longer > way::rows_4 || to.columns % n != 0) return false;
    for (std::int64_t r = 0; r < to.row->count; ++r) {
      prefetch<From, 0>(from, r, in);
      prefetch<To, 1>(to, r, out);
    }
    const std::uint64_t flips = flip * (bits == 4 ? 0x1111111111111111u : 0x0101010101010101u);
    if (bits == 8 && longer != way::rows_4)
      move_words<bits, 64 / bits>(from, in, to, out, flips);
    else
      move_words<bits, 32 / bits>(from, in, to, out, static_cast<std::uint32_t>(flips));
    return true;
  }
  return false;
}

/// Rows [r0, r1) of the padded grid of `to`; r0 is a multiple of 64. `unit(from's unit)` is to's unit: from's, with the bits of
/// `flip` changed, if `flips`.
template <class From, class To, class Unit>
void convert_rows(const From& from, const typename From::value_type* in, const To& to,
                  typename To::value_type* out, std::int64_t r0, std::int64_t r1, typename To::value_type pad,
                  bool flips, Unit unit) noexcept {
  using U = typename From::value_type;
  using V = typename To::value_type;
  const auto fewer = [](std::int64_t a, std::int64_t b) { return a < b ? a : b; };
  const auto flip = static_cast<unsigned>(unit(U{}));
  tile<U> as_read = {};
  tile<V> as_written = {};
  row_places source_rows, target_rows;
  column_places source_columns, target_columns;
  find_columns(to, target_columns);
  if (from.padded().columns() > 0) find_columns(from, source_columns);
  for (std::int64_t r = r0; r < r1; r += side) {
    const std::int64_t rows = fewer(side, r1 - r), inside_rows = fewer(rows, to.rows() - r);
    find_rows(to, r, rows, target_rows);
    if (inside_rows > 0) find_rows(from, r, inside_rows, source_rows);
    for (std::int64_t c = 0; c < to.padded().columns(); c += side) {
      const std::int64_t columns = fewer(side, to.padded().columns() - c),
                         inside = fewer(columns, to.columns() - c);
      const bool any = inside_rows > 0 && inside > 0, full = inside_rows == rows && inside == columns;
      const window source{&source_rows, &source_columns, c / side * source_columns.step, inside};
      const window target{&target_rows, &target_columns, c / side * target_columns.step, columns};
      if (full && flips && move<From, To>(source, in, target, out, flip)) continue;
      if (any) read<From>(source, in, as_read);
      if constexpr (std::is_same<U, V>::value)
        if (full && flips && flip == 0) {
          write<To>(target, as_read, out);
          continue;
        }
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < columns; ++j) as_written.unit[i][j] = pad;
      for (std::int64_t i = 0; any && i < inside_rows; ++i)
        for (std::int64_t j = 0; j < inside; ++j) as_written.unit[i][j] = unit(as_read.unit[i][j]);
      write<To>(target, as_written, out);
    }
  }
}

}  // namespace tiles
}  // namespace layout
NVQ_END_NAMESPACE
