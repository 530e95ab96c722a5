// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/mma.cuh>
#include <nvq/cuda/thread.cuh>
#include <utility>

#if !defined(__CUDA_ARCH__)
#include <cstring>
#endif

namespace example {

/// An operand in NVFP4: rows of codes along k, block scales in layout::Blocked128x4, the decode scale of the tensor on
/// the device. Codes are aligned to 16 bytes. The padding of the scales is read; whatever it holds is not used.
struct nvfp4_matrix {
  std::int64_t rows;
  const std::uint8_t* codes;
  const std::uint8_t* scales;
  const float* tensor_scale;
};

/// d = a * b^T on the FP4 tensor cores of sm_120 and sm_121: a [m, k] and b [n, k] in NVFP4, k a multiple of 64,
/// d [m, n] bfloat16, sums in float.
///
/// A block of eight warps has 128 x 128 of d, a warp 64 x 32: four by four tiles of mma m16n8k64. Codes go through
/// shared memory, two buffers of 128 columns; eight consecutive codes are a register of a fragment as they lie there.
/// Scales come straight from memory: in the 128x4 layout the four that a row needs for 64 columns are one word. The
/// selectors of the instruction spread the scales of two tiles of a, or of four of b, over the lanes of one register,
/// so a warp loads no scale twice.
struct gemm_nvfp4_sm120 {
  static constexpr unsigned threads = 256, tile = 128;
  struct shared {
    // Rows of 64 bytes, 80 apart, so that the eight rows of a fragment are in different banks.
    nvq::cuda::code_words<4> a[2][tile][5], b[2][tile][5];
  };

  nvfp4_matrix a, b;
  std::int64_t k;
  nvq::bfloat16* d;

  nvq::cuda::grid_shape grid() const noexcept {
    return {static_cast<unsigned>((a.rows + tile - 1) / tile),
            static_cast<unsigned>((b.rows + tile - 1) / tile)};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    const std::int64_t row0 = std::int64_t{nvq::cuda::block_index_x()} * tile;
    const std::int64_t column0 = std::int64_t{nvq::cuda::block_index_y()} * tile;
    const unsigned warp = nvq::cuda::thread_index() / 32;
    const unsigned warp_row = warp / 4 * 64, warp_column = warp % 4 * 32;

    float sums[4][4][4] = {};
    stage of_a, of_b;
    of_a.load(a, row0, k, 0);
    of_b.load(b, column0, k, 0);
    of_a.store(s.a[0]);
    of_b.store(s.b[0]);
    unsigned buffer = 0;
    for (std::int64_t k0 = 0; k0 < k; k0 += 128, buffer = 1 - buffer) {
      nvq::cuda::barrier();  // this buffer is written, and nobody reads the other any more
      const bool more = k0 + 128 < k;
      if (more) {
        of_a.load(a, row0, k, k0 + 128);
        of_b.load(b, column0, k, k0 + 128);
      }
      NVQ_UNROLL
      for (unsigned half = 0; half < 2; ++half)
        if (k0 + 64 * half < k)
          multiply(s, buffer, half, row0 + warp_row, column0 + warp_column, warp_row, warp_column,
                   (k0 + 64 * half) / 16, sums);
      if (more) {
        of_a.store(s.a[1 - buffer]);
        of_b.store(s.b[1 - buffer]);
      }
    }

    const float scale = *a.tensor_scale * *b.tensor_scale;
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) NVQ_UNROLL
    for (unsigned j = 0; j < 4; ++j) NVQ_UNROLL
    for (unsigned v = 0; v < 4; ++v) {
      const auto at = map::d(static_cast<int>(nvq::cuda::lane()), static_cast<int>(v));
      const std::int64_t row = row0 + warp_row + 16 * i + at.row,
                         column = column0 + warp_column + 8 * j + at.column;
      if (row < a.rows && column < b.rows) d[row * b.rows + column] = nvq::bfloat16(sums[i][j][v] * scale);
    }
  }

 private:
  using map = nvq::cuda::mma_m16n8k64;
  using words = nvq::cuda::code_words<4>;

  /// A thread's part of 128 rows of 128 codes, on their way to shared memory.
  struct stage {
    words vector[2];

    NVQ_HD static unsigned row(unsigned i) noexcept { return nvq::cuda::thread_index() / 4 + 64 * i; }
    NVQ_HD static unsigned column() noexcept { return nvq::cuda::thread_index() % 4; }

    /// Zeros behind the last row and the last column.
    NVQ_HD void load(const nvfp4_matrix& m, std::int64_t row0, std::int64_t depth, std::int64_t k0) noexcept {
      NVQ_UNROLL
      for (unsigned i = 0; i < 2; ++i) {
        const std::int64_t r = row0 + row(i), first = k0 + 32 * column();
        vector[i] = {};
        if (r >= m.rows || first >= depth) continue;
        const std::uint8_t* from = m.codes + r * (depth / 2) + first / 2;
#if defined(__CUDA_ARCH__)
        vector[i] = *reinterpret_cast<const words*>(from);
#else
        std::memcpy(&vector[i], from, sizeof(words));
#endif
      }
    }
    NVQ_HD void store(words (&to)[tile][5]) const noexcept {
      NVQ_UNROLL
      for (unsigned i = 0; i < 2; ++i) to[row(i)][column()] = vector[i];
    }
  };

  /// The scales of 64 columns of a row, four bytes; block is a multiple of 4.
  NVQ_HD std::uint32_t load_scales(const nvfp4_matrix& m, std::int64_t row,
                                   std::int64_t block) const noexcept {
    const nvq::layout::Blocked128x4 layout(nvq::shape2d(m.rows, k / 16));
    const std::uint8_t* from = m.scales + layout.offset(row, block);
#if defined(__CUDA_ARCH__)
    return *reinterpret_cast<const std::uint32_t*>(from);
#else
    std::uint32_t scales;
    std::memcpy(&scales, from, 4);
    return scales;
#endif
  }

  /// 64 columns: half of a buffer.
  NVQ_HD void multiply(const shared& s, unsigned buffer, unsigned half, std::int64_t row, std::int64_t column,
                       unsigned local_row, unsigned local_column, std::int64_t block,
                       float (&sums)[4][4][4]) const noexcept {
    const int me = static_cast<int>(nvq::cuda::lane());
    std::uint32_t scales_a[2], scales_b;
    NVQ_UNROLL
    for (int i = 0; i < 2; ++i)
      scales_a[i] =
          load_scales(a, row + 32 * i + 16 * map::scales_a_thread(me) + map::scales_a_row(me), block);
    scales_b = load_scales(b, column + 8 * map::scales_b_thread(me) + map::scales_b_column(me), block);

    // A register of a fragment is word lane % 4 of 16 bytes, of the row lane / 4.
    const unsigned r = nvq::cuda::lane() / 4, w = nvq::cuda::lane() % 4;
    std::uint32_t fragments_a[4][4], fragments_b[4][2];
    NVQ_UNROLL
    for (unsigned i = 0; i < 4; ++i) NVQ_UNROLL
    for (unsigned v = 0; v < 4; ++v)
      fragments_a[i][v] = s.a[buffer][local_row + 16 * i + r + v % 2 * 8][2 * half + v / 2].word[w];
    NVQ_UNROLL
    for (unsigned j = 0; j < 4; ++j) NVQ_UNROLL
    for (unsigned v = 0; v < 2; ++v)
      fragments_b[j][v] = s.b[buffer][local_column + 8 * j + r][2 * half + v].word[w];
    multiply_tiles(fragments_a, fragments_b, scales_a, scales_b, sums, std::make_integer_sequence<int, 16>());
  }

  /// Selectors are part of the instruction, so tiles are counted at compile time.
  template <int... Tile>
  NVQ_HD static void multiply_tiles(const std::uint32_t (&fragments_a)[4][4],
                                    const std::uint32_t (&fragments_b)[4][2],
                                    const std::uint32_t (&scales_a)[2], std::uint32_t scales_b,
                                    float (&sums)[4][4][4], std::integer_sequence<int, Tile...>) noexcept {
    (nvq::cuda::mma<nvq::NVFP4, 0, Tile / 4 % 2, 0, Tile % 4>(sums[Tile / 4][Tile % 4], fragments_a[Tile / 4],
                                                              fragments_b[Tile % 4], scales_a[Tile / 8],
                                                              scales_b),
     ...);
  }
};

}  // namespace example
