// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvq/block.hpp>
#include <nvq/config.hpp>
#include <nvq/simd/isas.hpp>
#include <nvq/simd/plan.hpp>
#include <nvq/simd/thresholds.hpp>
#include <nvq/span.hpp>

// From rows of a matrix to the kernels of an instruction set. Whatever a kernel does not do (the last values of a row
// that are no multiple of 16, blocks with NaN, scales that underflow) goes to the scalar codec, given as a function:
//
//   scalar(first, last)          encodes blocks [first, last) of the row: scales and codes

NVQ_BEGIN_NAMESPACE

namespace simd {

inline bool ordinary(float x) noexcept {
  return float_bits(x) >= float_bits(0x1p-120f) && float_bits(x) <= float_bits(0x1p120f);
}

/// The statistic of a block from its amax; of a SignedMax also from the largest x and -x.
template <class S, int B, class T>
S block_of_amax(const T* block, std::uint32_t amax, std::uint32_t above, std::uint32_t below) noexcept {
  S s{};
  s.amax = float_from_bits(amax);
  if constexpr (std::is_same<S, SignedMax>::value) {
    s.value = above > below ? s.amax : negate(s.amax);
    if (above == below) {  // the first one decides
      int i = 0;
      while (i < B - 1 && (float_bits(to_float(block[i])) & 0x7FFFFFFFu) != amax) ++i;
      s.value = amax == 0 ? 0.0f : to_float(block[i]);
    }
  }
  (void)block, (void)above, (void)below;
  return s;
}

/// Scale codes and operands by the recipe's own functions. False: an amax is NaN or an operand zero or no number.
template <class Isa, class F, class R, class T>
bool scalar_scales(const T* in, const std::uint32_t* amax, std::int64_t blocks, TensorScales ts,
                   typename F::scale_type* codes, float* operands) noexcept {
  using statistic = typename R::statistic;
  constexpr int B = F::block::columns;
  std::uint32_t above[16] = {}, below[16] = {};
  bool usable = true;
  for (std::int64_t b = 0; b < blocks; ++b) {
    if constexpr (std::is_same<statistic, SignedMax>::value)
      if (b % 16 == 0) Isa::template range<B>(in + b * B, blocks - b < 16 ? blocks - b : 16, above, below);
    const auto s = block_of_amax<statistic, B>(in + b * B, amax[b], above[b % 16], below[b % 16]);
    codes[b] = R::template scale<F>(s, ts);
    const auto scaler = R::template scaler<F>(codes[b], s, ts);
    operands[b] = operation_of<std::remove_const_t<decltype(scaler)>>::operand(scaler);
    usable = usable && amax[b] <= 0x7F800000u && !is_zero(operands[b]) && is_finite(operands[b]);
  }
  return usable;
}

/// How many values on to prefetch where blocks are encoded in order.
template <class T>
inline constexpr std::int64_t values_ahead = 8192 / static_cast<std::int64_t>(sizeof(T));

/// The scales of up to 64 blocks from their amaxes, and what encodes values under them.
template <class Isa, class F, class R, class T>
struct block_group {
  static constexpr int B = F::block::columns;
  static constexpr std::size_t room = B >= 64 ? 16 : 1024 / B;
  std::uint32_t amax[room];
  typename F::scale_type scales[room];
  float operands[room];

  /// False: to be left to the scalar codec. `in`: the first block, of statistics of more than an amax.
  bool choose(const T* in, std::int64_t blocks, TensorScales ts) noexcept {
    const auto plan = plan_of<R, F>(ts);
    if constexpr (std::is_same<std::remove_const_t<decltype(plan)>, ScalarScales>::value)
      return scalar_scales<Isa, F, R>(in, amax, blocks, ts, scales, operands);
    else
      return Isa::scales(plan, amax, blocks, scales, operands);
  }
  void encode(const T* in, std::int64_t blocks, std::int64_t ahead, const threshold_rows* rows,
              std::uint8_t* codes) const noexcept {
    std::int64_t done = 0;
    if constexpr (compares_values<F, R, T>())
      if (rows != nullptr && rows->isa == Isa::tier) {
        constexpr std::int64_t whole = B < 64 ? 64 / B : 1;  // blocks
        done = blocks / whole * whole;
        Isa::template encode_rows<zeros_of<R, F>(), B>(in, done * B, scales, rows->below, ahead, codes);
      }
    if (done < blocks)
      Isa::template encode<typename F::element, operation<F, R>, zeros_of<R, F>(), B>(
          in + done * B, (blocks - done) * B, operands + done, ahead,
          codes + done * B * F::element::bits / 8);
    (void)rows;
  }
};

/// Encodes the whole blocks of a row; how many these are.
template <class Isa, class F, class R, class T, class Scalar>
std::int64_t encode_blocks(const T* row, std::int64_t columns, TensorScales ts, const threshold_rows* rows,
                           std::uint8_t* codes, typename F::scale_type* scales, Scalar scalar) noexcept {
  using group = block_group<Isa, F, R, T>;
  constexpr int B = F::block::columns;
  constexpr std::int64_t most = group::room;
  const std::int64_t blocks = columns / B;
  group g;
  for (std::int64_t first = 0; first < blocks; first += most) {
    const std::int64_t n = blocks - first < most ? blocks - first : most;
    const T* in = row + first * B;
    Isa::template amax<B>(in, n, g.amax);
    if (g.choose(in, n, ts)) {
      g.encode(in, n, values_ahead<T>, rows, codes + first * B * F::element::bits / 8);
      std::memcpy(scales + first, g.scales, static_cast<std::size_t>(n) * sizeof(typename F::scale_type));
    } else {
      scalar(first, first + n);
    }
  }
  return blocks;
}

/// Encodes the whole tiles of a band of rows; how many these are. Codes of rows are row_bytes apart. Some tiles at a time, that
/// caches hold until their scales are known; the next ones are fetched meanwhile.
template <class Isa, class F, class R, class T, class Scalar>
std::int64_t encode_tiles(matrix_view<const T> band, TensorScales ts, const threshold_rows* rows,
                          std::uint8_t* codes, std::int64_t row_bytes, typename F::scale_type* scales,
                          Scalar scalar) noexcept {
  using group = block_group<Isa, F, R, T>;
  constexpr int B = F::block::columns;
  constexpr std::int64_t most = 1024 / B;
  const std::int64_t blocks = band.columns() / B;
  group g;
  T largest[static_cast<std::size_t>(most * B)];
  for (std::int64_t first = 0; first < blocks; first += most) {
    const std::int64_t n = blocks - first < most ? blocks - first : most;
    const T* in = band.data() + first * B;
    Isa::columns(in, band.row_stride(), band.rows(), n * B, largest);
    Isa::template amax<B>(largest, n, g.amax);
    if (g.choose(in, n, ts)) {
      const std::int64_t ahead = first + n < blocks ? n * B : F::block::rows * band.row_stride() - first * B;
      for (std::int64_t r = 0; r < band.rows(); ++r)
        g.encode(in + r * band.row_stride(), n, ahead, rows,
                 codes + r * row_bytes + first * B * F::element::bits / 8);
      std::memcpy(scales + first, g.scales, static_cast<std::size_t>(n) * sizeof(typename F::scale_type));
    } else {
      scalar(first, first + n);
    }
  }
  return blocks;
}

/// The same for recipes that search; `weights`: of the columns of the row, or null.
template <class Isa, class F, class R, class T, class Scalar>
std::int64_t search_blocks(const T* row, std::int64_t columns, TensorScales ts, const float* weights,
                           std::uint8_t* codes, typename F::scale_type* scales, Scalar scalar) noexcept {
  using E = typename F::element;
  constexpr int B = F::block::columns;
  const std::int64_t blocks = columns / B;
  const auto plan = search_of<R, F>(ts);
  std::uint32_t amax[16];
  typename F::scale_type scale[16];
  float operands[16];
  for (std::int64_t first = 0; first < blocks; first += 16) {
    const std::int64_t n = blocks - first < 16 ? blocks - first : 16;
    const T* in = row + first * B;
    Isa::template amax<B>(in, n, amax);
    const bool usable =
        weights == nullptr
            ? Isa::template search<E, B, false>(plan, in, n, amax, nullptr, scale, operands)
            : Isa::template search<E, B, true>(plan, in, n, amax, weights + first * B, scale, operands);
    if (usable) {
      Isa::template encode<E, operation<F, R>, zeros_of<R, F>(), B>(in, n * B, operands, values_ahead<T>,
                                                                    codes + first * B * E::bits / 8);
      std::memcpy(scales + first, scale, static_cast<std::size_t>(n) * sizeof(typename F::scale_type));
    } else {
      scalar(first, first + n);
    }
  }
  return blocks;
}

/// The same with zero points.
template <class Isa, class F, class R, class T, class Scalar>
std::int64_t encode_affine_blocks(const T* row, std::int64_t columns, TensorScales ts, std::uint8_t* codes,
                                  typename F::scale_type* scales, std::uint8_t* zero_points,
                                  Scalar scalar) noexcept {
  constexpr int B = F::block::columns;
  const std::int64_t blocks = columns / B;
  std::uint32_t above[16], below[16];
  float operands[16];
  for (std::int64_t first = 0; first < blocks; first += 16) {
    const std::int64_t n = blocks - first < 16 ? blocks - first : 16;
    Isa::template range<B>(row + first * B, n, above, below);
    bool usable = true;
    for (std::int64_t b = 0; b < n; ++b) {
      MinMax s{};
      s.add(float_from_bits(above[b]));
      s.add(negate(float_from_bits(below[b])));
      const auto scale = R::template scale<F>(s, ts);
      const auto scaler = R::template scaler<F>(scale, s, ts);
      scales[first + b] = scale.scale;
      zero_points[first + b] = scale.zero_point;
      operands[b] = operation_of<std::remove_const_t<decltype(scaler)>>::operand(scaler);
      usable = usable && !is_zero(operands[b]);
    }
    if (!usable ||
        !Isa::template encode_affine<typename F::element, B>(
            row + first * B, n * B, operands, zero_points + first, codes + first * B * F::element::bits / 8))
      scalar(first, first + n);
  }
  return blocks;
}

/// Encodes n values of a row under one scale, all but fewer than 16; how many. scalar(first, last): see above, of values.
/// `ahead`: how many values on the ones are that are encoded soon.
template <class F, class R, class T, class Scaler, class Scalar>
std::int64_t encode_values(const T* in, std::int64_t n, std::int64_t ahead, Scaler scaler,
                           std::uint8_t* codes, Scalar scalar) noexcept {
  constexpr std::int64_t piece = 4096;
  const float operand = operation_of<Scaler>::operand(scaler);
  const std::int64_t end = n / 16 * 16;
  if (is_zero(operand) || !is_finite(operand) || end == 0) return 0;
  const bool done = with_isa([&](auto isa) {
    using Isa = decltype(isa);
    for (std::int64_t i = 0; i < end; i += piece) {
      const std::int64_t count = end - i < piece ? end - i : piece;
      if (!Isa::template encode<typename F::element, operation<F, R>, zeros_of<R, F>()>(
              in + i, count, operand, ahead, codes + i * F::element::bits / 8))
        scalar(i, i + count);
    }
  });
  return done ? end : 0;
}

/// Adds the values of a matrix to a statistic that the integer maximum of |x| gives; scalar(values, n, s) adds those with NaN
/// and those that fill no vector. False: nothing was added.
template <class S, class T, class Scalar>
bool add_magnitudes(matrix_view<const T> m, S& s, Scalar scalar) noexcept {
  return m.columns() >= 16 && with_isa([&](auto isa) {
           using Isa = decltype(isa);
           const bool joined = m.row_stride() == m.columns();
           const std::int64_t rows = joined ? 1 : m.rows(),
                              columns = joined ? m.rows() * m.columns() : m.columns();
           for (std::int64_t r = 0; r < rows; ++r)
             for (std::int64_t c = 0; c < columns;) {
               constexpr std::int64_t piece = 1 << 14;
               const std::int64_t n = columns - c < piece ? (columns - c) / 16 * 16 : piece;
               const float amax = float_from_bits(n == 0 ? 0u : Isa::amax(m.row(r) + c, n));
               if (n == 0 || is_nan(amax))
                 scalar(m.row(r) + c, n == 0 ? columns - c : n, s);
               else
                 s.add(amax);
               c = n == 0 ? columns : c + n;
             }
         });
}

}  // namespace simd

NVQ_END_NAMESPACE
