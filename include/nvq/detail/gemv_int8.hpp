// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/gemv.hpp>
#include <vector>

// gemm_int8's loops: those of gemv.hpp with activations that are integers.

NVQ_BEGIN_NAMESPACE

namespace detail {

/// What the elements are multiples of, for the formats whose elements are small integers times that.
template <class E>
inline constexpr float integer_unit = is_integer_v<E> ? 1.0f : 0.5f;
template <class F>
inline constexpr bool has_integers_v =
    std::is_same<typename F::element, E2M1>::value || std::is_same<typename F::element, Int4>::value ||
    std::is_same<typename F::element, Int8>::value || std::is_same<typename F::element, UInt4>::value;

/// The scaled integer that a code stands for.
template <class E>
constexpr std::int32_t integer_value(std::uint8_t code) noexcept {
  return static_cast<std::int32_t>(E::decode(code) * (is_integer_v<E> ? 1.0f : 2.0f));
}

/// What makes those of E2M1, Int4 and Int8 bytes without a sign.
template <class E>
inline constexpr std::int32_t integer_offset = std::is_same<E, E2M1>::value    ? 12
                                               : std::is_same<E, UInt4>::value ? 0
                                                                               : 1 << (E::bits - 1);

inline constexpr std::int64_t int8_block = 32;

/// Activations as int8 in blocks of 32 columns. The columns of whole chunks are in the order of kernels: with 4-bit codes
/// the even ones before the odd ones. Sums are those of the lanes' columns.
template <class F>
class int8_activations {
 public:
  using E = typename F::element;
  static constexpr std::int64_t run = 32 / E::bits;  ///< columns of a lane

  template <class T>
  explicit int8_activations(matrix_view<const T> x)
      : columns_(x.columns()),
        whole_(x.columns() / product_chunk * product_chunk),
        blocks_((x.columns() + int8_block - 1) / int8_block),
        codes_(x.shape().size()),
        scales_(static_cast<std::size_t>(x.rows() * blocks_)),
        begin_(static_cast<std::size_t>(x.rows() * whole_ / run)),
        sums_(begin_.size()),
        lane_scales_(begin_.size()) {
    for (std::int64_t b = 0; b < x.rows(); ++b) {
      for (std::int64_t block = 0; block < blocks_; ++block) quantize(x, b, block);
      for (std::int64_t lane = 0; lane < whole_ / run; ++lane) {
        std::int32_t sum = 0;
        for (std::int64_t i = 0; i < run; ++i) sum += code(b, lane * run + i);
        const auto to = static_cast<std::size_t>(b * (whole_ / run) + lane);
        begin_[to] = -integer_offset<E> * sum;
        sums_[to] = static_cast<float>(sum);
        lane_scales_[to] = scale(b, lane * run);
      }
    }
  }

  std::int32_t code(std::int64_t b, std::int64_t c) const noexcept { return codes(b)[place(c)]; }
  float scale(std::int64_t b, std::int64_t c) const noexcept {
    return scales_[static_cast<std::size_t>(b * blocks_ + c / int8_block)];
  }
  const std::int8_t* codes(std::int64_t b) const noexcept { return codes_.data() + b * columns_; }
  const std::int32_t* begin(std::int64_t b) const noexcept { return begin_.data() + b * (whole_ / run); }
  const float* sums(std::int64_t b) const noexcept { return sums_.data() + b * (whole_ / run); }
  const float* lane_scales(std::int64_t b) const noexcept { return lane_scales_.data() + b * (whole_ / run); }

 private:
  std::int64_t place(std::int64_t c) const noexcept {
    return E::bits == 4 && c < whole_ ? c / 128 * 128 + c % 2 * 64 + c % 128 / 2 : c;
  }
  template <class T>
  void quantize(matrix_view<const T> x, std::int64_t b, std::int64_t block) {
    const std::int64_t first = block * int8_block, end = min_index(first + int8_block, columns_);
    AbsMaxNaN s{};
    for (std::int64_t c = first; c < end; ++c) s.add(to_float(x(b, c)));
    const float step = is_finite(s.amax) ? div_rn(s.amax, 127.0f) : quiet_nan();
    scales_[static_cast<std::size_t>(b * blocks_ + block)] = step;
    for (std::int64_t c = first; c < end; ++c) {
      const float q = is_zero(step) ? 0.0f : clamp(div_rn(to_float(x(b, c)), step), -127.0f, 127.0f);
      // Adding 1.5 * 2^23 rounds, and leaves the integer in the low bits. What q is under a NaN step is of no effect.
      codes_[static_cast<std::size_t>(b * columns_ + place(c))] =
          static_cast<std::int8_t>(float_bits(add_rn(q, 12582912.0f)) & 0xFFu);
    }
  }

  std::int64_t columns_, whole_, blocks_;
  std::vector<std::int8_t> codes_;
  std::vector<float> scales_;
  std::vector<std::int32_t> begin_;
  std::vector<float> sums_, lane_scales_;
};

template <class F, class U>
struct integer_product {
  using E = typename F::element;
  weight_bytes<F> weights;
  const int8_activations<F>& x;
  float tensor_scale;
  matrix_view<U> y;

  /// Adds the products of columns [first, end) of row r with activations b to sixteen sums, a lane's columns at a time.
  void add_lanes(std::int64_t r, std::int64_t first, std::int64_t b, float* sums) const noexcept {
    constexpr std::int64_t run = int8_activations<F>::run;
    const std::int64_t columns = weights.shape.columns(),
                       wide = F::block::columns == 0 ? columns : F::block::columns;
    for (std::int64_t c = first, end; c < columns; c = end) {
      end = min_index(min_index((c / wide + 1) * wide, (c / run + 1) * run), columns);
      const std::int64_t block = weights.block(r) + c / wide;
      std::int32_t sum = 0;
      for (std::int64_t i = c; i < end; ++i) {
        const std::int32_t zero = F::has_zero_point ? integer_value<E>(weights.zero_points[block]) : 0;
        sum += (integer_value<E>(load_code<E::bits>(weights.row(r), i)) - zero) * x.code(b, i);
      }
      float* to = sums + c / run % 16;
      *to = fma_rn(static_cast<float>(sum), mul_rn(weights.scale(block), x.scale(b, c)), *to);
    }
  }

  template <class Isa, int Rows>
  void tile(std::int64_t r, std::int64_t b) const noexcept {
    constexpr std::size_t room = Rows * 16;
    float sums[room] = {};
    std::int64_t done = 0;
    if constexpr (!std::is_void<Isa>::value) {
      std::uint8_t table[16];
      for (unsigned i = 0; i < 16; ++i)
        table[i] =
            static_cast<std::uint8_t>(integer_value<E>(static_cast<std::uint8_t>(i)) + integer_offset<E>);
      constexpr std::int64_t lanes = product_chunk / int8_activations<F>::run;
      for_chunks<F, Isa, Rows>(
          weights, r, [&](auto codes, auto scales, auto zeros, std::int64_t chunk, std::int64_t n) {
            Isa::template add<E, simd::gemv_block<F>, F::has_zero_point, Rows, 1>(
                table, codes, scales, zeros, n, x.codes(b) + chunk * product_chunk, 0,
                x.begin(b) + chunk * lanes, x.sums(b) + chunk * lanes, x.lane_scales(b) + chunk * lanes,
                Rows * F::row_bytes(weights.shape.columns()), sums);
          });
      done = weights.shape.columns() / product_chunk * product_chunk;
    }
    for (int i = 0; i < Rows; ++i) {
      if (done < weights.shape.columns()) add_lanes(r + i, done, b, sums + i * 16);
      float sum = mul_rn(sum_of_lanes(sums + i * 16), integer_unit<E>);
      if (F::has_tensor_scale) sum = mul_rn(sum, tensor_scale);
      y(b, r + i) = static_cast<U>(canonical_nan(sum));
    }
  }

  void rows(std::int64_t r0, std::int64_t r1) const noexcept {
    constexpr bool block = E::bits == 4 || simd::gemv_block<F> == 128;
    if constexpr (simd::multiplies<F>() && block) {
      if (simd::with_integer_isa([&](auto isa) {
            using Isa = decltype(isa);
            for (std::int64_t r = r0; r < r1; r += r + 4 <= r1 ? 4 : 1)
              for (std::int64_t b = 0; b < y.rows(); ++b)
                r + 4 <= r1 ? tile<Isa, 4>(r, b) : tile<Isa, 1>(r, b);
          }))
        return;
    }
    for (std::int64_t b = 0; b < y.rows(); ++b)
      for (std::int64_t r = r0; r < r1; ++r) tile<void, 1>(r, b);
  }
};

template <class F, class T, class U>
void multiply_int8(const weight_bytes<F>& w, float tensor_scale, matrix_view<const T> x, matrix_view<U> y,
                   executor_ref exec) {
  if (y.shape().size() == 0) return;
  with_ieee_floats([&] {
    const int8_activations<F> prepared(x);
    const integer_product<F, U> p{w, prepared, tensor_scale, y};
    for_ranges(exec, w.shape.rows(), rows_per_product_task(w.shape.columns()),
               [&](std::int64_t r0, std::int64_t r1) { p.rows(r0, r1); });
  });
}

}  // namespace detail

NVQ_END_NAMESPACE
