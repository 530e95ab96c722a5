// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/mma.cuh>

#include "weights.cuh"

namespace example {

/// y = x * W^T for batches of 16 to 128: x [batch, k] bfloat16, W [n, k] in a quantized format that is unpacked in the
/// main loop, sums in float.
///
/// A block has 128 rows of W (one operand of 16 rows for each of its eight warps), `Columns` rows of x, and one of
/// `splits` parts of k; without that, few blocks would keep a GPU busy. It writes its part of the sums to
/// `parts` [splits, batch, n]; gemm_finish adds them in the order of k and scales.
///
/// Weights go from memory to registers, those of the next 128 columns while these are multiplied, and are unpacked
/// once for all rows of x. Activations are staged in shared memory, two buffers of 128 columns, in the order that
/// the prologue gives weights (arrange()), and so that a quarter of a warp that loads vectors of 16 bytes finds them
/// in different banks.
template <class F, unsigned Columns>
struct gemm {
  static_assert(Columns == 16 || Columns == 32 || Columns == 64, "rows of x that a block has");
  static constexpr unsigned threads = 256, rows = 128;
  static constexpr unsigned vectors = 16;  ///< of eight activations in 128 columns
  struct shared {
    // Vector 4t + j of a row lies at 4j + t: a lane t of four reads its vectors j one after the other, 64 bytes by the
    // four. Rows are 320 bytes apart, so two of them fill all banks.
    nvq::cuda::code_words<4> x[2][Columns][20];
  };

  weight<F> w;
  const bfloat16* x;  ///< aligned to 16 bytes
  float* parts;
  int batch;
  unsigned splits;

  static nvq::cuda::grid_shape grid(std::int64_t n, int batch, unsigned splits) noexcept {
    return {static_cast<unsigned>((n + rows - 1) / rows),
            (static_cast<unsigned>(batch) + Columns - 1) / Columns * splits};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    const std::int64_t first =
        std::int64_t{nvq::cuda::block_index_x()} * rows + nvq::cuda::thread_index() / 32 * 16;
    const unsigned part = nvq::cuda::block_index_y() % splits;
    const int column0 = static_cast<int>(nvq::cuda::block_index_y() / splits * Columns);
    const std::int64_t chunks = (w.k + 127) / 128;
    const std::int64_t begin = chunks * part / splits, end = chunks * (part + 1) / splits;

    const std::int64_t mine = nvq::cuda::lane() % 4 * 32;
    const weight_row<F> w_row[2] = {weight_row<F>::of(w, first + nvq::cuda::lane() / 4),
                                    weight_row<F>::of(w, first + nvq::cuda::lane() / 4 + 8)};
    float sums[Columns / 8][4] = {};
    lane_weights<F> now[2], next[2];
    stage staged;
    if (begin < end) {
      load(w_row, begin * 128 + mine, now);
      staged.load(*this, column0, begin * 128);
      staged.store(s.x[0]);
    }
    for (std::int64_t c = begin; c < end; ++c) {
      const unsigned buffer = static_cast<unsigned>(c - begin) % 2;
      nvq::cuda::barrier();  // this buffer is written, and nobody reads the other any more
      if (c + 1 < end) {
        load(w_row, (c + 1) * 128 + mine, next);
        staged.load(*this, column0, (c + 1) * 128);
      }
      multiply(now, s.x[buffer], sums);
      if (c + 1 < end) {
        staged.store(s.x[1 - buffer]);
        now[0] = next[0], now[1] = next[1];
      }
    }

    NVQ_UNROLL
    for (unsigned tile = 0; tile < Columns / 8; ++tile) NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) {
      const auto at = nvq::cuda::mma_m16n8k16::d(static_cast<int>(nvq::cuda::lane()), static_cast<int>(i));
      const std::int64_t row = first + at.row;
      const int column = column0 + static_cast<int>(8 * tile) + at.column;
      if (row < w.n && column < batch)
        parts[(std::int64_t{part} * batch + column) * w.n + row] = sums[tile][i];
    }
  }

 private:
  /// A thread's part of the activations of 128 columns, on their way to shared memory.
  struct stage {
    static constexpr unsigned count = Columns * vectors / threads;
    nvq::cuda::code_words<4> vector[count];

    NVQ_HD static unsigned row(unsigned i) noexcept {
      return (nvq::cuda::thread_index() + i * threads) / vectors;
    }
    NVQ_HD static unsigned column(unsigned) noexcept { return nvq::cuda::thread_index() % vectors; }

    /// Zeros behind the last row and the last column.
    NVQ_HD void load(const gemm& g, int column0, std::int64_t k0) noexcept {
      NVQ_UNROLL
      for (unsigned i = 0; i < count; ++i) {
        const std::int64_t b = column0 + static_cast<int>(row(i)), k = k0 + 8 * column(i);
        vector[i] = {};
        if (b < g.batch && k < g.w.k) vector[i] = load_vector(g.x + b * g.w.k + k);
      }
    }
    NVQ_HD void store(nvq::cuda::code_words<4> (&to)[Columns][20]) const noexcept {
      NVQ_UNROLL
      for (unsigned i = 0; i < count; ++i) {
        const unsigned v = column(i);
        to[row(i)][v % 4 * 4 + v / 4] = arrange<F>(vector[i]);
      }
    }
  };

  /// Behind the end of a row the last columns, whose products with zeros multiply() adds.
  NVQ_HD void load(const weight_row<F> (&row)[2], std::int64_t k,
                   lane_weights<F> (&lanes)[2]) const noexcept {
    const std::int64_t at = k < w.k ? k : w.k - 32;
    lanes[0].load(row[0], at);
    lanes[1].load(row[1], at);
  }

  NVQ_HD static void multiply(const lane_weights<F> (&lanes)[2],
                              const nvq::cuda::code_words<4> (&xs)[Columns][20],
                              float (&sums)[Columns / 8][4]) noexcept {
    std::uint32_t upper[16], lower[16];
    lanes[0].unpack(upper);
    lanes[1].unpack(lower);
    NVQ_UNROLL
    for (unsigned tile = 0; tile < Columns / 8; ++tile) {
      float part[4] = {};
      float(&sum)[4] = scaling<F> == Scaling::sums ? part : sums[tile];
      NVQ_UNROLL
      for (unsigned j = 0; j < 4; ++j) {
        const nvq::cuda::code_words<4> v =
            xs[8 * tile + nvq::cuda::lane() / 4][4 * j + nvq::cuda::lane() % 4];
        NVQ_UNROLL
        for (unsigned h = 0; h < 4; h += 2) {
          const std::uint32_t a[4] = {upper[4 * j + h], lower[4 * j + h], upper[4 * j + h + 1],
                                      lower[4 * j + h + 1]};
          const std::uint32_t b[2] = {v.word[h], v.word[h + 1]};
          nvq::cuda::mma<bfloat16>(sum, a, b);
        }
      }
      if constexpr (scaling<F> == Scaling::sums) {
        const float scale[2] = {lanes[0].sum_scale(), lanes[1].sum_scale()};
        NVQ_UNROLL
        for (unsigned i = 0; i < 4; ++i) sums[tile][i] += part[i] * scale[i / 2];
      }
    }
  }
};

/// y [batch, n] of the parts that gemm<F, Columns> has written.
template <class F>
struct gemm_finish {
  using shared = nvq::cuda::no_shared;
  static constexpr unsigned threads = 256;

  weight<F> w;
  const float* parts;
  bfloat16* y;
  int batch;
  unsigned splits;

  static nvq::cuda::grid_shape grid(std::int64_t n, int batch) noexcept {
    return {static_cast<unsigned>((n + threads - 1) / threads), static_cast<unsigned>(batch)};
  }
  NVQ_HD void operator()(shared&) const noexcept {
    const std::int64_t row = std::int64_t{nvq::cuda::block_index_x()} * threads + nvq::cuda::thread_index();
    const std::int64_t at = nvq::cuda::block_index_y() * w.n + row;
    if (row >= w.n) return;
    float sum = 0.0f;
    for (unsigned part = 0; part < splits; ++part) sum += parts[std::int64_t{part} * batch * w.n + at];
    y[at] = bfloat16(sum * result_scale(w, row));
  }
};

}  // namespace example
