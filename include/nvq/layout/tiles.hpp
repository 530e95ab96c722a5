// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/layout/base.hpp>
#include <type_traits>

// Conversion by tiles of 64 x 64 units, for layouts that say that they separate(): offset(r, c) = f(r) + g(c). A tile is read
// into rows of one unit an element and written from there; each way in the longest runs that the layout has.

NVQ_BEGIN_NAMESPACE
namespace layout {

template <class L, class = void>
inline constexpr bool separates = false;
template <class L>
inline constexpr bool separates<L, std::enable_if_t<L::separable()>> = true;

namespace tiles {

constexpr std::int64_t side = 64;

template <class U>
struct tile {
  U unit[side][side];
};

/// The rows of a tile: where they begin.
struct row_places {
  std::int64_t at[side];
  std::int64_t count, first;  ///< `first`: the least of them
  bool even, in_order;        ///< all are; they are `first` and what follows, row from[i] the i-th
  unsigned char from[side];
};
/// Its columns: what is added for them.
struct column_places {
  std::int64_t at[side];
  std::int64_t count;
  bool even, by_eight, by_four;  ///< all are; runs of so many follow each other and begin with an even one
};
struct places {
  row_places row;
  column_places column;
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

template <int N>
bool follow(const column_places& p) noexcept {
  std::int64_t wrong = 0;
  for (std::int64_t c = 0; c < p.count; ++c) {
    const std::int64_t start = p.at[c / N * N];
    wrong |= (p.at[c] - start - c % N) | (start & 1);
  }
  return wrong == 0;
}
template <class L>
void find_columns(const L& layout, std::int64_t c0, std::int64_t n, column_places& p) noexcept {
  p.count = n;
  const std::int64_t origin = layout.offset(0, 0);
  std::int64_t odd = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    p.at[c] = layout.offset(0, c0 + c) - origin;
    odd |= p.at[c] & 1;
  }
  p.even = odd == 0;
  p.by_eight = follow<8>(p);
  p.by_four = follow<4>(p);
}

/// The 8 bytes of `spread` are the 8 nibbles of a word, and back.
inline std::uint64_t spread(std::uint32_t word) noexcept {
  std::uint64_t x = word;
  x = (x | x << 16) & 0x0000FFFF0000FFFFu;
  x = (x | x << 8) & 0x00FF00FF00FF00FFu;
  return (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
}
inline std::uint32_t joined(std::uint64_t x) noexcept {
  x = (x | x >> 4) & 0x00FF00FF00FF00FFu;
  x = (x | x >> 8) & 0x0000FFFF0000FFFFu;
  return static_cast<std::uint32_t>(x | x >> 16);
}
/// Words of the machine are read and written as those of little-endian ones: nibbles in order of significance.
#if defined(__BYTE_ORDER__) && defined(__ORDER_LITTLE_ENDIAN__) && !defined(__CUDACC_RTC__)
constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
#else
constexpr bool little_endian = false;
#endif

template <class L, class U>
U read_unit(const U* in, std::int64_t at) noexcept {
  if constexpr (L::bits() == 4)
    return static_cast<U>(in[at / 2] >> (at % 2 * 4) & 0xF);
  else
    return in[at];
}
template <class L, class U>
void write_unit(U* out, std::int64_t at, U unit) noexcept {
  if constexpr (L::bits() == 4) {
    const int shift = static_cast<int>(at % 2 * 4);
    out[at / 2] = static_cast<U>((out[at / 2] & ~(0xF << shift)) | (unit & 0xF) << shift);
  } else {
    out[at] = unit;
  }
}

/// N units that follow each other, an even number of units from the beginning.
template <class L, int N, class U>
void read_run(const U* in, std::int64_t at, U* units) noexcept {
  if constexpr (L::bits() == 4) {
    std::uint32_t word;
    __builtin_memcpy(&word, in + at / 2, 4);
    const std::uint64_t eight = spread(word);
    __builtin_memcpy(units, &eight, 8);
  } else {
    __builtin_memcpy(units, in + at, N * sizeof(U));
  }
}
template <class L, int N, class U>
void write_run(U* out, std::int64_t at, const U* units) noexcept {
  if constexpr (L::bits() == 4) {
    std::uint64_t eight;
    __builtin_memcpy(&eight, units, 8);
    const std::uint32_t word = joined(eight & 0x0F0F0F0F0F0F0F0Fu);
    __builtin_memcpy(out + at / 2, &word, 4);
  } else {
    __builtin_memcpy(out + at, units, N * sizeof(U));
  }
}

/// fn(at, first): for runs of N that begin at unit `first` of a line of n units; rest(at, i) for what is left.
template <int N, class Run, class Rest>
void for_runs(std::int64_t n, Run run, Rest rest) {
  std::int64_t i = 0;
  for (; i + N <= n; i += N) run(i);
  for (; i < n; ++i) rest(i);
}

template <class U>
void transpose(const tile<U>& in, tile<U>& out) noexcept {
  for (std::int64_t i = 0; i < side; i += 8)
    for (std::int64_t j = 0; j < side; j += 8)
      for (std::int64_t a = 0; a < 8; ++a)
        for (std::int64_t b = 0; b < 8; ++b) out.unit[j + b][i + a] = in.unit[i + a][j + b];
}
#if !defined(__CUDACC_RTC__)
/// Blocks of 8 x 8 bytes in eight words: halves, quarters and eighths change places.
inline void transpose(const tile<std::uint8_t>& in, tile<std::uint8_t>& out) noexcept {
  const auto swap = [](std::uint64_t& a, std::uint64_t& b, int shift, std::uint64_t mask) {
    const std::uint64_t t = (a >> shift ^ b) & mask;
    b ^= t;
    a ^= t << shift;
  };
  for (std::int64_t i = 0; i < side; i += 8)
    for (std::int64_t j = 0; j < side; j += 8) {
      std::uint64_t w[8];
      for (std::int64_t a = 0; a < 8; ++a) __builtin_memcpy(&w[a], &in.unit[i + a][j], 8);
      for (int a = 0; a < 4; ++a) swap(w[a], w[a + 4], 32, 0x00000000FFFFFFFFu);
      for (int a = 0; a < 8; a += 4)
        for (int b = 0; b < 2; ++b) swap(w[a + b], w[a + b + 2], 16, 0x0000FFFF0000FFFFu);
      for (int a = 0; a < 8; a += 2) swap(w[a], w[a + 1], 8, 0x00FF00FF00FF00FFu);
      for (std::int64_t b = 0; b < 8; ++b) __builtin_memcpy(&out.unit[j + b][i], &w[b], 8);
    }
}
#endif

/// What the next tile begins with, if its columns follow: rows are pages apart, where nothing reads ahead by itself.
template <class L, int Write, class U>
void prefetch(const places& p, std::int64_t r, const U* buffer) noexcept {
  const std::int64_t next = p.row.at[r] + p.column.at[p.column.count - 1] + side;
  __builtin_prefetch(buffer + (L::bits() == 4 ? next / 2 : next), Write);
}

template <class L, int N, class U>
void read_rows(const places& p, const U* in, tile<U>& t) noexcept {
  for (std::int64_t r = 0; r < p.row.count; ++r) {
    prefetch<L, 0>(p, r, in);
    for_runs<N>(
        p.column.count,
        [&](std::int64_t c) { read_run<L, N>(in, p.row.at[r] + p.column.at[c], &t.unit[r][c]); },
        [&](std::int64_t c) { t.unit[r][c] = read_unit<L>(in, p.row.at[r] + p.column.at[c]); });
  }
}
template <class L, int N, class U>
void write_rows(const places& p, const tile<U>& t, U* out) noexcept {
  for (std::int64_t r = 0; r < p.row.count; ++r) {
    prefetch<L, 1>(p, r, out);
    for_runs<N>(
        p.column.count,
        [&](std::int64_t c) { write_run<L, N>(out, p.row.at[r] + p.column.at[c], &t.unit[r][c]); },
        [&](std::int64_t c) { write_unit<L>(out, p.row.at[r] + p.column.at[c], t.unit[r][c]); });
  }
}

template <class L, class U>
void read(const places& p, const U* in, tile<U>& t) noexcept {
  if (p.column.by_eight && (L::bits() != 4 || p.row.even)) return read_rows<L, 8>(p, in, t);
  if constexpr (L::bits() != 4)
    if (p.column.by_four) return read_rows<L, 4>(p, in, t);
  if (!p.row.in_order || (L::bits() == 4 && !p.column.even)) {
    for (std::int64_t r = 0; r < p.row.count; ++r)
      for (std::int64_t c = 0; c < p.column.count; ++c)
        t.unit[r][c] = read_unit<L>(in, p.row.at[r] + p.column.at[c]);
    return;
  }
  tile<U> lines = {}, rows;
  for (std::int64_t c = 0; c < p.column.count; ++c)
    for_runs<8>(
        p.row.count,
        [&](std::int64_t i) { read_run<L, 8>(in, p.row.first + i + p.column.at[c], &lines.unit[c][i]); },
        [&](std::int64_t i) { lines.unit[c][i] = read_unit<L>(in, p.row.first + i + p.column.at[c]); });
  transpose(lines, rows);
  for (std::int64_t i = 0; i < p.row.count; ++i)
    __builtin_memcpy(t.unit[p.row.from[i]], rows.unit[i], sizeof rows.unit[i]);
}

template <class L, class U>
void write(const places& p, const tile<U>& t, U* out) noexcept {
  if (p.column.by_eight && (L::bits() != 4 || p.row.even)) return write_rows<L, 8>(p, t, out);
  if constexpr (L::bits() != 4)
    if (p.column.by_four) return write_rows<L, 4>(p, t, out);
  if (!p.row.in_order || (L::bits() == 4 && !p.column.even)) {
    for (std::int64_t r = 0; r < p.row.count; ++r)
      for (std::int64_t c = 0; c < p.column.count; ++c)
        write_unit<L>(out, p.row.at[r] + p.column.at[c], t.unit[r][c]);
    return;
  }
  tile<U> rows = {}, lines;
  for (std::int64_t i = 0; i < p.row.count; ++i)
    __builtin_memcpy(rows.unit[i], t.unit[p.row.from[i]], sizeof rows.unit[i]);
  transpose(rows, lines);
  for (std::int64_t c = 0; c < p.column.count; ++c)
    for_runs<8>(
        p.row.count,
        [&](std::int64_t i) { write_run<L, 8>(out, p.row.first + i + p.column.at[c], &lines.unit[c][i]); },
        [&](std::int64_t i) { write_unit<L>(out, p.row.first + i + p.column.at[c], lines.unit[c][i]); });
}

/// Rows [r0, r1) of the padded grid of `to`; r0 is a multiple of 64. `unit(from's unit)` is to's unit; `same`: it is the same.
template <class From, class To, class Unit>
void convert_rows(const From& from, const typename From::value_type* in, const To& to,
                  typename To::value_type* out, std::int64_t r0, std::int64_t r1, typename To::value_type pad,
                  bool same, Unit unit) noexcept {
  using U = typename From::value_type;
  using V = typename To::value_type;
  const auto fewer = [](std::int64_t a, std::int64_t b) { return a < b ? a : b; };
  tile<U> as_read = {};
  tile<V> as_written;
  places source, target;
  for (std::int64_t r = r0; r < r1; r += side) {
    const std::int64_t rows = fewer(side, r1 - r), inside_rows = fewer(rows, to.rows() - r);
    find_rows(to, r, rows, target.row);
    if (inside_rows > 0) find_rows(from, r, inside_rows, source.row);
    for (std::int64_t c = 0; c < to.padded().columns(); c += side) {
      const std::int64_t columns = fewer(side, to.padded().columns() - c),
                         inside = fewer(columns, to.columns() - c);
      const bool any = inside_rows > 0 && inside > 0;
      find_columns(to, c, columns, target.column);
      if (any) {
        find_columns(from, c, inside, source.column);
        read<From>(source, in, as_read);
      }
      if constexpr (std::is_same<U, V>::value)
        if (same && inside_rows == rows && inside == columns) {
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
