// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/float_environment.hpp>
#include <nvq/executor.hpp>

// How matrices are split into tasks.

NVQ_BEGIN_NAMESPACE

namespace detail {

inline std::int64_t min_index(std::int64_t a, std::int64_t b) noexcept { return a < b ? a : b; }

/// How many rows of the grid of blocks one task takes: about 64 Ki values, so that tasks outlive their overhead, and where
/// that takes no more than twice as many, so many that their `band_bytes` fill cache lines.
inline std::int64_t bands_per_task(std::int64_t band_values, std::int64_t band_bytes = 64) noexcept {
  const std::int64_t n = (std::int64_t{1} << 16) / (band_values > 0 ? band_values : 1), least = n < 1 ? 1 : n;
  std::int64_t whole = 64;  // bands, of any size, that fill lines
  for (; band_bytes % 2 == 0 && whole > 1; band_bytes /= 2) whole /= 2;
  return whole <= 2 * least ? (least + whole - 1) / whole * whole : least;
}

/// Runs fn(begin, end) over [0, n) in tasks of `step`.
template <class Fn>
void for_ranges(executor_ref exec, std::int64_t n, std::int64_t step, Fn fn) {
  const std::int64_t tasks = (n + step - 1) / step;
  exec(static_cast<std::size_t>(tasks), [&](std::size_t i) {
    const std::int64_t begin = static_cast<std::int64_t>(i) * step;
    with_ieee_floats(fn, begin, min_index(begin + step, n));
  });
}

/// Rows of so many values and more are several tasks, each of `width` columns or what is left of them.
inline constexpr std::int64_t long_row = std::int64_t{1} << 17;

/// Runs fn(row, begin, end) over the columns of all rows in tasks.
template <class Fn>
void for_pieces(executor_ref exec, std::int64_t rows, std::int64_t columns, std::int64_t width, Fn fn) {
  const std::int64_t across = (columns + width - 1) / width;
  for_ranges(exec, rows * across, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      fn(i / across, i % across * width, min_index((i % across + 1) * width, columns));
  });
}

}  // namespace detail

NVQ_END_NAMESPACE
