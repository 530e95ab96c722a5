// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/detail/tensor_codec.hpp>
#include <nvq/simd/gemv_isas.hpp>
#include <vector>

// The loops of gemv.hpp. Rows of weights go four at a time past one row of activations, or two at a time past several;
// whole chunks of 128 columns to the kernels, the rest to the scalar sums, which say the order that all follow.

NVQ_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::int64_t product_chunk = 128;

/// The sum of sixteen that the product of column c is added to.
template <int Bits>
constexpr std::int64_t product_lane(std::int64_t c) noexcept {
  return Bits == 4 ? c / 8 % 16 : c % 16;
}

/// Activations as kernels read them: floats, those of a whole chunk of 4-bit columns in the order in which shifts bring
/// codes out of words, and for zero points the sum of each lane's eight.
template <class F>
class activations {
 public:
  static constexpr int bits = F::element::bits;

  template <class T>
  explicit activations(matrix_view<const T> x)
      : stride_(x.columns()), whole_(x.columns() / product_chunk * product_chunk) {
    values_.resize(x.shape().size());
    if (F::has_zero_point && bits == 4) sums_.resize(static_cast<std::size_t>(x.rows() * whole_ / 8));
    for (std::int64_t b = 0; b < x.rows(); ++b) {
      float* to = values_.data() + b * stride_;
      const T* from = x.row(b);
      for (std::int64_t c = 0; c < stride_; ++c) to[place(c)] = to_float(from[c]);
      if (sums_.empty()) continue;
      for (std::int64_t lane = 0; lane < whole_ / 8; ++lane) {
        float sum = to_float(from[8 * lane]);
        for (std::int64_t k = 1; k < 8; ++k) sum = add_rn(sum, to_float(from[8 * lane + k]));
        sums_[static_cast<std::size_t>(b * whole_ / 8 + lane)] = sum;
      }
    }
  }

  std::int64_t place(std::int64_t c) const noexcept {
    return bits == 4 && c < whole_ ? c / 128 * 128 + c % 8 * 16 + c / 8 % 16 : c;
  }
  float at(std::int64_t b, std::int64_t c) const noexcept { return row(b)[place(c)]; }
  const float* row(std::int64_t b) const noexcept { return values_.data() + b * stride_; }
  std::int64_t stride() const noexcept { return stride_; }
  /// Of other formats nobody reads them: any memory of their size.
  const float* sums(std::int64_t b) const noexcept {
    return (F::has_zero_point && bits == 4 ? sums_.data() : values_.data()) + b * (whole_ / 8);
  }
  std::int64_t sums_stride() const noexcept { return whole_ / 8; }

 private:
  std::int64_t stride_, whole_;
  std::vector<float> values_, sums_;
};

template <class F>
struct weight_bytes {
  const std::uint8_t* codes;
  const typename F::scale_type* scales;
  const std::uint8_t* zero_points;
  shape2d shape;

  const std::uint8_t* row(std::int64_t r) const noexcept { return codes + r * F::row_bytes(shape.columns()); }
  std::int64_t blocks() const noexcept { return F::scale_columns(shape.columns()); }
  /// The index of the first block of row r.
  std::int64_t block(std::int64_t r) const noexcept {
    return F::block::rows == 0 ? 0 : r / (F::block::rows == 0 ? 1 : F::block::rows) * blocks();
  }
  float scale(std::int64_t block) const noexcept {
    const auto code = load_scale<F>(scales, zero_points, block, F::scale_rows(shape.rows()) * blocks());
    if constexpr (F::has_zero_point)
      return F::block_scale::decode(code.scale);
    else
      return F::block_scale::decode(code);
  }
  float zero_point(std::int64_t block) const noexcept {
    return F::has_zero_point ? F::element::decode(zero_points[block]) : 0.0f;
  }
};

/// Adds the products of columns [first, end) of row r with activations b to sixteen sums.
template <class F>
void add_row_products(const weight_bytes<F>& w, std::int64_t r, std::int64_t first, const activations<F>& x,
                      std::int64_t b, float* sums) noexcept {
  constexpr int bits = F::element::bits;
  const std::int64_t columns = w.shape.columns(), wide = F::block::columns == 0 ? columns : F::block::columns;
  for (std::int64_t c = first, end; c < columns; c = end) {
    const std::int64_t block = c / wide;
    end = min_index(min_index((block + 1) * wide, (c / product_chunk + 1) * product_chunk), columns);
    std::uint8_t codes[product_chunk];
    unpack_codes<bits>(w.row(r), c, end - c, codes);
    float products[16] = {}, values[16] = {};
    unsigned begun = 0;
    for (std::int64_t i = c; i < end; ++i) {
      const std::int64_t lane = product_lane<bits>(i);
      const float e = F::element::decode(codes[i - c]), v = x.at(b, i);
      const bool more = (begun >> lane & 1u) != 0;
      products[lane] = more ? fma_rn(e, v, products[lane]) : mul_rn(e, v);
      if (F::has_zero_point) values[lane] = more ? add_rn(values[lane], v) : v;
      begun |= 1u << lane;
    }
    const float scale = w.scale(w.block(r) + block);
    for (std::int64_t lane = 0; lane < 16; ++lane) {
      if ((begun >> lane & 1u) == 0) continue;
      if (F::has_zero_point)
        products[lane] = fma_rn(negate(w.zero_point(w.block(r) + block)), values[lane], products[lane]);
      sums[lane] = fma_rn(products[lane], scale, sums[lane]);
    }
  }
}

/// The sum of sixteen, the upper half added to the lower one four times.
inline float sum_of_lanes(const float* lanes) noexcept {
  float s[8];
  for (int i = 0; i < 8; ++i) s[i] = add_rn(lanes[i], lanes[i + 8]);
  for (int i = 0; i < 4; ++i) s[i] = add_rn(s[i], s[i + 4]);
  return add_rn(add_rn(s[0], s[2]), add_rn(s[1], s[3]));
}

/// The scales of blocks [first, first + n) of a row as floats, `per` to a block; room for a multiple of 16.
template <class F, class Isa>
void scales_of_blocks(const weight_bytes<F>& w, std::int64_t first, std::int64_t n, float* out) noexcept {
  if constexpr (is_packed_scale<typename F::block_scale>::value)
    for (std::int64_t i = 0; i < n; ++i) out[i] = w.scale(first + i);
  else
    Isa::template decode_scales<typename F::block_scale>(w.scales + first, n, out);
}

/// Calls add(codes, scales, negated zero points, chunk, n) for all whole chunks of rows [r, r + Rows): up to 32 chunks a
/// time, 128 / B scales a chunk.
template <class F, class Isa, int Rows, class Add>
void for_chunks(const weight_bytes<F>& w, std::int64_t r, Add add) noexcept {
  using E = typename F::element;
  constexpr int B = simd::gemv_block<F>;
  constexpr std::int64_t wide = F::block::columns, most = 32, per = product_chunk / B;
  constexpr std::size_t room = most * per + 16, points = F::has_zero_point ? room : 1, rows = Rows;
  const std::int64_t chunks = w.shape.columns() / product_chunk;
  float scales[rows][room], zeros[rows][points];
  const float *scale_rows[rows], *zero_rows[rows];
  for (int i = 0; i < Rows; ++i) scale_rows[i] = scales[i], zero_rows[i] = zeros[i];
  for (std::int64_t chunk = 0; chunk < chunks; chunk += most) {
    const std::int64_t n = min_index(most, chunks - chunk);
    const std::uint8_t* codes[rows];
    for (int i = 0; i < Rows; ++i) {
      codes[i] = w.row(r + i) + chunk * 16 * E::bits;
      const std::int64_t first = w.block(r + i);
      if constexpr (wide > 0 && wide <= 128) {
        scales_of_blocks<F, Isa>(w, first + chunk * per, n * per, scales[i]);
        if constexpr (F::has_zero_point)
          for (std::int64_t j = 0; j < n * per; ++j)
            zeros[i][j] = negate(w.zero_point(first + chunk * per + j));
      } else {
        for (std::int64_t j = 0; j < n; ++j) {
          const std::int64_t block =
              first + (wide == 0 ? 0 : (chunk + j) * product_chunk / (wide == 0 ? 1 : wide));
          scales[i][j] = w.scale(block);
          if constexpr (F::has_zero_point) zeros[i][j] = negate(w.zero_point(block));
        }
      }
    }
    add(codes, scale_rows, zero_rows, chunk, n);
  }
}

template <class F, class U>
struct product {
  weight_bytes<F> weights;
  const activations<F>& x;
  float tensor_scale;
  matrix_view<U> y;  ///< [batch, rows]

  template <class Isa, int Rows, int Batch>
  void add_chunks(std::int64_t r, std::int64_t b, float* sums) const noexcept {
    for_chunks<F, Isa, Rows>(
        weights, r, [&](auto codes, auto scales, auto zeros, std::int64_t chunk, std::int64_t n) {
          Isa::template add<typename F::element, simd::gemv_block<F>, F::has_zero_point, Rows, Batch>(
              codes, scales, zeros, n, x.row(b) + chunk * product_chunk, x.stride(), x.sums(b) + chunk * 16,
              x.sums_stride(), Rows * F::row_bytes(weights.shape.columns()), sums);
        });
  }

  template <class Isa, int Rows, int Batch>
  void tile(std::int64_t r, std::int64_t b) const noexcept {
    constexpr std::size_t room = Rows * Batch * 16;
    float sums[room] = {};
    if constexpr (!std::is_void<Isa>::value) add_chunks<Isa, Rows, Batch>(r, b, sums);
    const std::int64_t done =
        std::is_void<Isa>::value ? 0 : weights.shape.columns() / product_chunk * product_chunk;
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Batch; ++j) {
        float* lanes = sums + (i * Batch + j) * 16;
        if (done < weights.shape.columns()) add_row_products(weights, r + i, done, x, b + j, lanes);
        float sum = sum_of_lanes(lanes);
        if (F::has_tensor_scale) sum = mul_rn(sum, tensor_scale);
        y(b + j, r + i) = static_cast<U>(canonical_nan(sum));
      }
  }

  template <class Isa, int Rows, int Batch>
  void tiles(std::int64_t r0, std::int64_t r1, std::int64_t b) const noexcept {
    std::int64_t r = r0;
    for (; r + Rows <= r1; r += Rows) tile<Isa, Rows, Batch>(r, b);
    for (; r < r1; ++r) tile<Isa, 1, Batch>(r, b);
  }

  /// Rows [r0, r1) of the weights.
  void rows(std::int64_t r0, std::int64_t r1) const noexcept {
    if constexpr (simd::multiplies<F>()) {
      if (simd::with_gemv_isa([&](auto isa) {
            using Isa = decltype(isa);
            constexpr std::int64_t step = 16;  // rows whose codes stay in cache for the whole batch
            for (std::int64_t r = r0; r < r1; r += step) {
              const std::int64_t end = min_index(r + step, r1);
              std::int64_t b = 0;
              for (; b + Isa::batch <= y.rows(); b += Isa::batch) tiles<Isa, 2, Isa::batch>(r, end, b);
              for (; b < y.rows(); ++b) tiles<Isa, 4, 1>(r, end, b);
            }
          }))
        return;
    }
    for (std::int64_t b = 0; b < y.rows(); ++b) tiles<void, 1, 1>(r0, r1, b);
  }
};

/// Rows that one task takes: some 256 Ki weights, and sixteen rows at least.
inline std::int64_t rows_per_product_task(std::int64_t columns) noexcept {
  const std::int64_t n = (std::int64_t{1} << 18) / (columns > 0 ? columns : 1) / 16 * 16;
  return n < 16 ? 16 : n;
}

template <class F, class T, class U>
void multiply(const weight_bytes<F>& w, float tensor_scale, matrix_view<const T> x, matrix_view<U> y,
              executor_ref exec) {
  if (y.shape().size() == 0) return;
  with_ieee_floats([&] {
    const activations<F> prepared(x);
    const product<F, U> p{w, prepared, tensor_scale, y};
    for_ranges(exec, w.shape.rows(), rows_per_product_task(w.shape.columns()),
               [&](std::int64_t r0, std::int64_t r1) { p.rows(r0, r1); });
  });
}

}  // namespace detail

NVQ_END_NAMESPACE
