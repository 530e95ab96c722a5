// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/config.hpp>
#include <nvq/detail/double_quant.hpp>
#include <nvq/detail/float_environment.hpp>
#include <nvq/detail/pack.hpp>
#include <nvq/detail/tasks.hpp>
#include <nvq/executor.hpp>
#include <nvq/float16.hpp>
#include <nvq/format.hpp>
#include <nvq/random.hpp>
#include <nvq/recipe/base.hpp>
#include <nvq/simd/encode.hpp>
#include <nvq/span.hpp>
#include <type_traits>

// The loops of encode(): from a matrix to its blocks, split into tasks of whole block rows. Arguments have been checked.

NVQ_BEGIN_NAMESPACE

namespace detail {

template <class F>
struct encode_target {
  std::uint8_t* codes;
  typename F::scale_type* scales;
  std::uint8_t* zero_points;

  void store(std::int64_t block, typename F::scale_code code) const noexcept {
    if constexpr (is_packed_scale<typename F::block_scale>::value) {
      (void)block, (void)code;  // written for all blocks at once, by encode_tensor
    } else if constexpr (F::has_zero_point) {
      scales[block] = code.scale;
      zero_points[block] = code.zero_point;
    } else {
      scales[block] = code;
    }
  }
};

struct encode_context {
  TensorScales scales;
  const float* importance;
  bool stochastic;
  std::uint64_t seed;
  const simd::threshold_rows* rows = nullptr;
  std::uint64_t first = 0;  // the index in its tensor of the first value
};

template <class T>
matrix_view<const T> part(matrix_view<const T> m, std::int64_t r0, std::int64_t r1, std::int64_t c0,
                          std::int64_t c1) noexcept {
  return {m.data() + r0 * m.row_stride() + c0, shape2d(r1 - r0, c1 - c0), m.row_stride()};
}

/// Codes of scaled values rounded stochastically; `first` is the index of the first in its tensor.
template <class E>
void stochastic_codes(const float* scaled, std::int64_t n, std::uint64_t seed, std::uint64_t first,
                      std::uint8_t* codes) noexcept {
  if constexpr (has_stochastic<E>::value) {
    for (std::int64_t i = 0; i < n; ++i)
      codes[i] = E::encode_stochastic(scaled[i], random_bits(seed, first + static_cast<std::uint64_t>(i)));
  } else {
    (void)scaled, (void)n, (void)seed, (void)first, (void)codes;  // refused by check_encode
  }
}

/// Encodes columns [c0, c1) of row r of `in` as R's scaler brings them to the element.
template <class F, class R, class T, class Scaler>
void encode_columns(matrix_view<const T> in, std::int64_t r, std::int64_t c0, std::int64_t c1, Scaler scaler,
                    const encode_context& ctx, std::uint8_t* codes) noexcept {
  constexpr std::int64_t chunk = 256;
  const T* row = in.row(r);
  float scaled[chunk];
  std::uint8_t buffer[chunk];
  for (std::int64_t c = c0; c < c1; c += chunk) {
    const std::int64_t n = min_index(chunk, c1 - c);
    for (std::int64_t i = 0; i < n; ++i) scaled[i] = scaler(to_float(row[c + i]));
    if (ctx.stochastic) {
      stochastic_codes<typename F::element>(
          scaled, n, ctx.seed, ctx.first + static_cast<std::uint64_t>(r * in.columns() + c), buffer);
    } else {
      for (std::int64_t i = 0; i < n; ++i) buffer[i] = R::template element<F>(scaled[i]);
    }
    pack_codes<F::element::bits>(buffer, n, codes + r * F::row_bytes(in.columns()), c);
  }
}

/// Encodes rows [r0, r1), columns [c0, c1) of `in`, whose scale is chosen already.
template <class F, class R, class T>
void encode_codes(matrix_view<const T> in, std::int64_t r0, std::int64_t r1, std::int64_t c0, std::int64_t c1,
                  typename F::scale_code scale, typename R::statistic s, const encode_context& ctx,
                  std::uint8_t* codes) noexcept {
  const auto scaler = R::template scaler<F>(scale, s, ctx.scales);
  // A row is read for its scale and then again: meanwhile the next one is fetched, if the second-level cache holds both. Where
  // values are read once and in order, processors fetch them by themselves.
  const bool ahead = F::block::rows == 1 && in.row_stride() * static_cast<std::int64_t>(sizeof(T)) <= 1 << 18;
  for (std::int64_t r = r0; r < r1; ++r) {
    std::int64_t first = c0;
    if constexpr (simd::encodes_values<F, R>()) {
      if (!ctx.stochastic && c0 * F::element::bits % 8 == 0)
        first +=
            simd::encode_values<F, R>(in.row(r) + c0, c1 - c0, ahead ? in.row_stride() : 0, scaler,
                                      codes + r * F::row_bytes(in.columns()) + c0 * F::element::bits / 8,
                                      [&](std::int64_t begin, std::int64_t end) {
                                        encode_columns<F, R>(in, r, c0 + begin, c0 + end, scaler, ctx, codes);
                                      });
    }
    encode_columns<F, R>(in, r, first, c1, scaler, ctx, codes);
  }
}

/// What is gathered of the values of a matrix.
template <class S, class T>
S view_statistic(matrix_view<const T> m) noexcept {
  if constexpr (simd::is_amax_statistic<S>) {
    S s{};
    if (simd::add_magnitudes(m, s, [](const T* values, std::int64_t n, S& to) {
          for (std::int64_t i = 0; i < n; ++i) to.add(to_float(values[i]));
        }))
      return s;
  }
  return block_statistic<S>(strided_values<T>{m});
}

/// The statistic and the scale of one block.
template <class F, class R, class T>
typename F::scale_code choose_scale(matrix_view<const T> block, const float* importance, TensorScales ts,
                                    typename R::statistic& s) noexcept {
  constexpr std::int64_t columns = F::block::columns;
  if constexpr (F::block::rows == 1 && columns > 0 && columns <= 1024) {
    float buffer[F::block_size];
    for (std::int64_t c = 0; c < block.columns(); ++c) buffer[c] = to_float(block.data()[c]);
    const contiguous_values values{buffer, block.columns()};
    s = block_statistic<typename R::statistic>(values);
    return block_scale<F, R>(values, column_weights{importance}, s, ts);
  } else {
    const strided_values<T> values{block};
    s = view_statistic<typename R::statistic>(block);
    return block_scale<F, R>(values, column_weights{importance}, s, ts);
  }
}

/// The last byte of every row may hold bits beyond the last code: they are zero.
template <class F>
void clear_row_tails(std::int64_t columns, std::int64_t r0, std::int64_t r1, std::uint8_t* codes) noexcept {
  const std::int64_t row_bytes = F::row_bytes(columns);
  if (columns * F::element::bits % 8 != 0)
    for (std::int64_t r = r0; r < r1; ++r) codes[(r + 1) * row_bytes - 1] = 0;
}

/// Encodes blocks [b0, b1) of row `band` of the grid of blocks.
template <class F, class R, class T>
void encode_blocks(matrix_view<const T> in, std::int64_t band, std::int64_t b0, std::int64_t b1,
                   const encode_context& ctx, encode_target<F> out) noexcept {
  const std::int64_t rows = F::block::rows == 0 ? in.rows() : F::block::rows;
  const std::int64_t columns = F::block::columns == 0 ? in.columns() : F::block::columns;
  const std::int64_t r0 = band * rows, r1 = min_index(r0 + rows, in.rows());
  const std::int64_t blocks = F::scale_columns(in.columns());
  for (std::int64_t b = b0; b < b1; ++b) {
    const std::int64_t c0 = b * columns, c1 = min_index(c0 + columns, in.columns());
    typename R::statistic s{};
    const float* importance = ctx.importance == nullptr ? nullptr : ctx.importance + c0;
    const auto scale = choose_scale<F, R>(part(in, r0, r1, c0, c1), importance, ctx.scales, s);
    out.store(band * blocks + b, scale);
    encode_codes<F, R>(in, r0, r1, c0, c1, scale, s, ctx, out.codes);
  }
}

/// Encodes rows [b0, b1) of the grid of blocks.
template <class F, class R, class T>
void encode_bands(matrix_view<const T> in, std::int64_t b0, std::int64_t b1, const encode_context& ctx,
                  encode_target<F> out) noexcept {
  const std::int64_t blocks = F::scale_columns(in.columns());
  const std::int64_t tall = F::block::rows;
  clear_row_tails<F>(in.columns(), b0 * tall, min_index(b1 * tall, in.rows()), out.codes);
  if constexpr (simd::encodes_blocks<F, R>()) {
    const bool usable =
        !F::has_tensor_scale || (simd::ordinary(ctx.scales.encode) && simd::ordinary(ctx.scales.decode));
    if (usable && !ctx.stochastic && simd::with_isa([&](auto isa) {
          // Rows that follow each other in every array are one.
          const bool joined = in.row_stride() == in.columns() && in.columns() % F::block::columns == 0 &&
                              ctx.importance == nullptr;
          const std::int64_t rows = joined ? 1 : b1 - b0,
                             columns = joined ? (b1 - b0) * in.columns() : in.columns();
          const std::int64_t across = F::scale_columns(columns);
          for (std::int64_t r = 0; r < rows; ++r) {
            const matrix_view<const T> row(in.row(b0 + r), shape2d(1, columns));
            const encode_target<F> to{out.codes + (b0 + r) * F::row_bytes(in.columns()),
                                      out.scales + (b0 + r) * blocks,
                                      F::has_zero_point ? out.zero_points + (b0 + r) * blocks : nullptr};
            const auto scalar = [&](std::int64_t first, std::int64_t last) {
              encode_blocks<F, R>(row, 0, first, last, ctx, to);
            };
            std::int64_t done = 0;
            if constexpr (F::has_zero_point)
              done = simd::encode_affine_blocks<decltype(isa), F, R>(
                  row.data(), columns, ctx.scales, to.codes, to.scales, to.zero_points, scalar);
            else if constexpr (is_search<R, F>::value)
              done = simd::search_blocks<decltype(isa), F, R>(row.data(), columns, ctx.scales, ctx.importance,
                                                              to.codes, to.scales, scalar);
            else
              done = simd::encode_blocks<decltype(isa), F, R>(row.data(), columns, ctx.scales, ctx.rows,
                                                              to.codes, to.scales, scalar);
            scalar(done, across);
          }
        }))
      return;
  }
  if constexpr (simd::encodes_tiles<F, R>()) {
    const bool usable =
        !F::has_tensor_scale || (simd::ordinary(ctx.scales.encode) && simd::ordinary(ctx.scales.decode));
    if (usable && !ctx.stochastic && simd::with_isa([&](auto isa) {
          for (std::int64_t b = b0; b < b1; ++b) {
            const std::int64_t r0 = b * tall, r1 = min_index(r0 + tall, in.rows()),
                               row_bytes = F::row_bytes(in.columns());
            const auto scalar = [&](std::int64_t first, std::int64_t last) {
              encode_blocks<F, R>(in, b, first, last, ctx, out);
            };
            const std::int64_t done = simd::encode_tiles<decltype(isa), F, R>(
                part(in, r0, r1, 0, in.columns()), ctx.scales, ctx.rows, out.codes + r0 * row_bytes,
                row_bytes, out.scales + b * blocks, scalar);
            scalar(done, blocks);
          }
        }))
      return;
  }
  for (std::int64_t b = b0; b < b1; ++b) encode_blocks<F, R>(in, b, 0, blocks, ctx, out);
}

/// The statistic of a whole matrix: partial ones of up to 64 ranges of rows, or of parts of few rows, merged in order.
template <class Statistic, class T>
Statistic matrix_statistic(matrix_view<const T> in, executor_ref exec) {
  constexpr std::int64_t parts = 64;
  Statistic partial[parts] = {};
  if (in.columns() >= long_row && in.rows() <= parts / 2) {
    const std::int64_t across =
        min_index(parts / in.rows(), (in.columns() + long_row / 2 - 1) / (long_row / 2));
    const std::int64_t width = (in.columns() + across - 1) / across;
    for_pieces(exec, in.rows(), in.columns(), width, [&](std::int64_t r, std::int64_t c0, std::int64_t c1) {
      partial[r * across + c0 / width] = view_statistic<Statistic>(part(in, r, r + 1, c0, c1));
    });
  } else {
    const std::int64_t step = in.rows() > parts ? (in.rows() + parts - 1) / parts : 1;
    for_ranges(exec, in.rows(), step, [&](std::int64_t r0, std::int64_t r1) {
      partial[r0 / step] = view_statistic<Statistic>(part(in, r0, r1, 0, in.columns()));
    });
  }
  Statistic s{};
  with_ieee_floats([&] {
    for (const Statistic& p : partial) s.merge(p);
  });
  return s;
}

/// One scale for the whole matrix: chosen first, then rows are encoded in tasks. `given` stands in for the
/// statistic's amax.
template <class F, class R, class T>
void encode_whole(matrix_view<const T> in, const float* given, const encode_context& ctx, executor_ref exec,
                  encode_target<F> out) {
  using statistic = typename R::statistic;
  statistic s{};
  if (given == nullptr) s = matrix_statistic<statistic>(in, exec);
  typename F::scale_code scale{};
  with_ieee_floats([&] {
    if (given != nullptr) s.add(*given);
    scale = block_scale<F, R>(strided_values<T>{in}, column_weights{ctx.importance}, s, ctx.scales);
  });
  out.store(0, scale);
  if (in.columns() >= long_row) {
    for_pieces(exec, in.rows(), in.columns(), long_row / 2,
               [&](std::int64_t r, std::int64_t c0, std::int64_t c1) {
                 if (c1 == in.columns()) clear_row_tails<F>(in.columns(), r, r + 1, out.codes);
                 encode_codes<F, R>(in, r, r + 1, c0, c1, scale, s, ctx, out.codes);
               });
    return;
  }
  for_ranges(exec, in.rows(), bands_per_task(in.columns(), F::row_bytes(in.columns())),
             [&](std::int64_t r0, std::int64_t r1) {
               clear_row_tails<F>(in.columns(), r0, r1, out.codes);
               encode_codes<F, R>(in, r0, r1, 0, in.columns(), scale, s, ctx, out.codes);
             });
}

/// Rows of blocks, every one in several tasks.
template <class F, class R, class T>
void encode_long_rows(matrix_view<const T> in, const encode_context& ctx, executor_ref exec,
                      encode_target<F> out) {
  // Whole blocks whose codes and scales fill cache lines.
  constexpr std::int64_t unit = 64 * F::block::columns, most = long_row / 2;
  constexpr std::int64_t width = unit > most ? unit : most / unit * unit;
  constexpr bool packed = is_packed_scale<typename F::block_scale>::value;
  const std::int64_t blocks = F::scale_columns(in.columns());
  for_pieces(exec, in.rows(), in.columns(), width, [&](std::int64_t r, std::int64_t c0, std::int64_t c1) {
    encode_context piece = ctx;
    piece.first = static_cast<std::uint64_t>(r * in.columns() + c0);
    if (ctx.importance != nullptr) piece.importance += c0;
    const std::int64_t block = r * blocks + c0 / F::block::columns;
    encode_target<F> to = out;
    to.codes += r * F::row_bytes(in.columns()) + c0 * F::element::bits / 8;
    if (!packed) to.scales += block;
    if (F::has_zero_point) to.zero_points += block;
    encode_bands<F, R>(part(in, r, r + 1, c0, c1), 0, 1, piece, to);
  });
}

/// The scales of a format that stores them together.
template <class F, class R, class T>
void encode_packed_scales(matrix_view<const T> in, TensorScales ts, encode_target<F> out) {
  const std::int64_t across = F::scale_columns(in.columns());
  const auto scale_of = [&](std::int64_t b) {
    const std::int64_t r0 = b / across * F::block::rows, c0 = b % across * F::block::columns;
    typename R::statistic s{};
    return choose_scale<F, R>(part(in, r0, min_index(r0 + F::block::rows, in.rows()), c0,
                                   min_index(c0 + F::block::columns, in.columns())),
                              nullptr, ts, s);
  };
  with_ieee_floats([&] { store_double_quantized(F::scale_rows(in.rows()) * across, scale_of, out.scales); });
}

/// Blocks or tiles: a task is some rows of them, or a part of a long row.
template <class F, class R, class T>
void encode_grid(matrix_view<const T> in, encode_context ctx, executor_ref exec, encode_target<F> out) {
  constexpr bool compares = simd::compares_values<F, R, T>();
  std::conditional_t<compares, simd::threshold_rows, char> rows;
  if constexpr (compares) {
    constexpr std::size_t least = std::size_t{1} << 13;  // values that pay for the rows
    if (!ctx.stochastic && in.shape().size() >= least)
      with_ieee_floats([&] {
        if (simd::find_rows<F, R, T>(ctx.scales, rows)) ctx.rows = &rows;
      });
  }
  (void)rows;
  if constexpr (F::block::rows == 1 && F::block::columns != 0)
    if (in.columns() >= long_row) return encode_long_rows<F, R>(in, ctx, exec, out);
  const std::int64_t step =
      bands_per_task(F::block::rows * in.columns(), F::block::rows * F::row_bytes(in.columns()));
  for_ranges(exec, F::scale_rows(in.rows()), step,
             [&](std::int64_t b0, std::int64_t b1) { encode_bands<F, R>(in, b0, b1, ctx, out); });
}

template <class F, class R, class T>
void encode_tensor(matrix_view<const T> in, const float* given, const encode_context& ctx, executor_ref exec,
                   encode_target<F> out) {
  if (in.shape().size() == 0) return;
  if constexpr (F::block::rows == 0) {
    encode_whole<F, R>(in, given, ctx, exec, out);
  } else {
    bool done = false;
    if constexpr (F::block::rows == 1 && F::block::columns == 0)
      if (in.rows() == 1) {  // one scale for all, and no given one
        encode_whole<F, R>(in, nullptr, ctx, exec, out);
        done = true;
      }
    if (!done) encode_grid<F, R>(in, ctx, exec, out);
  }
  if constexpr (is_packed_scale<typename F::block_scale>::value)
    encode_packed_scales<F, R>(in, ctx.scales, out);
}

}  // namespace detail

NVQ_END_NAMESPACE
