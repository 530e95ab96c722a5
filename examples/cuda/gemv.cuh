// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/mma.cuh>

#include "weights.cuh"

namespace example {

/// y = x * W^T for one to eight rows of x (decoding): x [batch, k] bfloat16, W [n, k] in a quantized format,
/// y [batch, n] bfloat16, sums in float.
///
/// What limits it is reading W, so nothing else may take longer. An H200 reads 4.8 TB/s: at 1.75 GHz about 21 bytes a
/// clock for each of its 132 multiprocessors, which start 128 instructions (of a lane) in that clock: 3.5 for each
/// NVFP4 weight, 3.3 for MXFP4, 3.2 for INT4, 6.2 for FP8. A multiply-add a weight beside unpacking in scalar code
/// would not fit; so the products are left to tensor cores, weights as their 16 x 16 operand and x as the other, of
/// whose eight columns a batch of one uses one.
///
/// One block has 16 * Tiles rows of W and its eight warps share k: each iteration of a warp takes 128 columns, a lane
/// 32 of two rows of each tile. The codes of the next iteration are loaded before those of this one are multiplied,
/// so that a warp has Tiles * 1 KB (4-bit) to 2 KB (8-bit) under way: with 16 warps a multiprocessor 32 KB and more,
/// what 4.8 TB/s at 700 ns take (25 KB).
template <class F, unsigned Tiles = 2>
struct gemv {
  static constexpr unsigned threads = 256, warps = threads / 32;
  static constexpr unsigned rows = 16 * Tiles;
  struct shared {
    float sums[warps][8][rows];
  };

  weight<F> w;
  const bfloat16* x;  ///< aligned to 16 bytes
  bfloat16* y;
  int batch;

  static nvq::cuda::grid_shape grid(std::int64_t n) noexcept {
    return {static_cast<unsigned>((n + rows - 1) / rows), 1};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    const unsigned warp = nvq::cuda::thread_index() / 32;
    const std::int64_t first = std::int64_t{nvq::cuda::block_index_x()} * rows;
    weight_row<F> w_row[Tiles][2];
    NVQ_UNROLL
    for (unsigned i = 0; i < 2 * Tiles; ++i)
      w_row[i / 2][i % 2] = weight_row<F>::of(w, first + 8 * i + nvq::cuda::lane() / 4);

    float sums[Tiles][4] = {};
    lane_weights<F> even[Tiles][2], odd[Tiles][2];
    constexpr std::int64_t step = warps * 128;
    std::int64_t k = warp * 128 + nvq::cuda::lane() % 4 * 32;
    load(w_row, k, even);
    for (std::int64_t end = w.k + k % 128; k < end; k += 2 * step) {
      load(w_row, k + step, odd);
      multiply(even, k, sums);
      load(w_row, k + 2 * step, even);
      multiply(odd, k + step, sums);
    }

    using map = nvq::cuda::mma_m16n8k16;
    NVQ_UNROLL
    for (unsigned t = 0; t < Tiles; ++t) NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) {
      const auto at = map::d(static_cast<int>(nvq::cuda::lane()), static_cast<int>(i));
      s.sums[warp][at.column][16 * t + static_cast<unsigned>(at.row)] = sums[t][i];
    }
    nvq::cuda::barrier();
    for (unsigned i = nvq::cuda::thread_index(); i < 8 * rows; i += threads) {
      const std::int64_t row = first + i % rows;
      const int column = static_cast<int>(i / rows);
      if (row >= w.n || column >= batch) continue;
      float sum = 0.0f;
      for (unsigned part = 0; part < warps; ++part) sum += s.sums[part][column][i % rows];
      y[column * w.n + row] = bfloat16(sum * result_scale(w, row));
    }
  }

 private:
  /// Behind the end of a row the last columns, whose products with zeros multiply() adds.
  NVQ_HD void load(const weight_row<F> (&row)[Tiles][2], std::int64_t k,
                   lane_weights<F> (&lanes)[Tiles][2]) const noexcept {
    const std::int64_t at = k < w.k ? k : w.k - 32;
    NVQ_UNROLL
    for (unsigned i = 0; i < 2 * Tiles; ++i) lanes[i / 2][i % 2].load(row[i / 2][i % 2], at);
  }

  NVQ_HD void multiply(const lane_weights<F> (&lanes)[Tiles][2], std::int64_t k,
                       float (&sums)[Tiles][4]) const noexcept {
    const unsigned column = nvq::cuda::lane() / 4;
    const bool present = k < w.k && column < static_cast<unsigned>(batch);
    nvq::cuda::code_words<4> xs[4] = {};
    NVQ_UNROLL
    for (unsigned j = 0; j < 4; ++j)
      if (present) xs[j] = arrange<F>(load_vector(x + column * w.k + k + 8 * j));

    NVQ_UNROLL
    for (unsigned t = 0; t < Tiles; ++t) {
      std::uint32_t upper[16], lower[16];
      lanes[t][0].unpack(upper);
      lanes[t][1].unpack(lower);
      float part[4] = {};
      float(&sum)[4] = scaling<F> == Scaling::sums ? part : sums[t];
      NVQ_UNROLL
      for (unsigned j = 0; j < 8; ++j) {
        const std::uint32_t a[4] = {upper[2 * j], lower[2 * j], upper[2 * j + 1], lower[2 * j + 1]};
        const std::uint32_t b[2] = {xs[j / 2].word[2 * j % 4], xs[j / 2].word[2 * j % 4 + 1]};
        nvq::cuda::mma<bfloat16>(sum, a, b);
      }
      if constexpr (scaling<F> == Scaling::sums) {
        const float scale[2] = {lanes[t][0].sum_scale(), lanes[t][1].sum_scale()};
        NVQ_UNROLL
        for (unsigned i = 0; i < 4; ++i) sums[t][i] += part[i] * scale[i / 2];
      }
    }
  }
};

}  // namespace example
