// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/aliases.hpp>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/ptx.cuh>
#include <type_traits>

/// \file
/// D = A * B + D on tensor cores, one instruction of a warp, and which value each lane's registers hold.
///
/// A is m x k, B is k x n, D is m x n in float; 16-bit values are two in a register and 4-bit codes eight, the
/// first in the lowest bits. The maps are those of the PTX ISA and plain arithmetic, on the host too. On the host
/// mma() is a twin that works between the lanes of the running host_thread: it adds the products to D in double
/// and rounds once. Tensor cores do not document the order and the precision of their sums, so the two agree within
/// roundings, and exactly where no partial sum needs one.

#if defined(__CUDA_ARCH__) && !NVQ_HAS_MMA_BLOCK_SCALE
// Defined nowhere: the assembler's error message; see <nvq/cuda/target.cuh>.
extern "C" __device__ void nvq_block_scaled_mma_needs_target_sm_120a_or_sm_121a();
#endif

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// A place in a fragment's matrix.
struct fragment_position {
  int row, column;

  NVQ_HD friend constexpr bool operator==(fragment_position a, fragment_position b) noexcept {
    return a.row == b.row && a.column == b.column;
  }
};

/// A fragment map: a register is a 32-bit word of `per_word` values (of D one float), lanes are 0 to 31.
template <int K>
struct fragments {
  static constexpr int m = 16, n = 8, k = K;
  static constexpr int a_words = 4, b_words = 2, d_words = 4;
  static constexpr int per_word = K / 8;

  /// Where value `index` of register `word` of A is: {row, k}.
  NVQ_HD static constexpr fragment_position a(int lane, int word, int index) noexcept {
    return {lane / 4 + word % 2 * 8, lane % 4 * per_word + index + word / 2 * (K / 2)};
  }
  /// Of B: {k, column}. So a word is `per_word` consecutive k of a column: of a row-major weight [n, k] it is
  /// loaded as it lies in memory.
  NVQ_HD static constexpr fragment_position b(int lane, int word, int index) noexcept {
    return {lane % 4 * per_word + index + word * (K / 2), lane / 4};
  }
  /// Of D: {row, column}.
  NVQ_HD static constexpr fragment_position d(int lane, int word) noexcept {
    return {lane / 4 + word / 2 * 8, lane % 4 * 2 + word % 2};
  }
};

/// half and bfloat16. PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".
using mma_m16n8k16 = fragments<16>;

/// E2M1 with block scales. PTX ISA, "Matrix Fragments for mma.m16n8k64" and "Block Scaling for mma.sync".
///
/// Every lane gives a register of up to four scales of A and one of B, but the tensor core reads only those of the
/// lanes that two selectors name: of A's, `thread` 0 or 1, a pair of lanes in every four; of B's, `thread` 0 to 3,
/// one lane of four. The scale bytes are consecutive blocks along k, the first in the lowest byte. In
/// layout::Blocked128x4 these are one aligned 32-bit word, that of columns c to c + 3, c % 4 = 0.
struct mma_m16n8k64 : fragments<64> {
  /// The row of A whose scales the register of a lane holds, if lane % 4 / 2 is `thread`.
  NVQ_HD static constexpr int scales_a_row(int lane) noexcept { return lane / 4 + lane % 2 * 8; }
  NVQ_HD static constexpr int scales_a_thread(int lane) noexcept { return lane % 4 / 2; }
  /// The lane that gives the scales of a row of A.
  NVQ_HD static constexpr int scales_a_lane(int row, int thread) noexcept {
    return row % 8 * 4 + thread * 2 + row / 8;
  }
  /// The column of B whose scales the register of a lane holds, if lane % 4 is `thread`.
  NVQ_HD static constexpr int scales_b_column(int lane) noexcept { return lane / 4; }
  NVQ_HD static constexpr int scales_b_thread(int lane) noexcept { return lane % 4; }
  /// The lane that gives the scales of a column of B.
  NVQ_HD static constexpr int scales_b_lane(int column, int thread) noexcept { return column * 4 + thread; }
};

namespace detail {

template <class>
inline constexpr bool never = false;

#if !defined(__CUDA_ARCH__)
/// What a lane's four values of D come from: its two rows of A and two columns of B.
template <class Map>
struct gathered {
  std::uint32_t a[2][Map::k], b[2][Map::k];

  gathered(const std::uint32_t (&a_words)[4], const std::uint32_t (&b_words)[2]) noexcept {
    const int me = static_cast<int>(lane());
    const auto value = [](std::uint32_t word, int index) {
      constexpr int bits = 32 / Map::per_word;
      return word >> bits * index & ((1u << bits) - 1);
    };
    for (int source = me / 4 * 4, end = source + 4; source < end; ++source)
      for (int w = 0; w < Map::a_words; ++w) {
        const std::uint32_t word = shuffle(a_words[w], static_cast<unsigned>(source));
        for (int i = 0; i < Map::per_word; ++i) {
          const fragment_position at = Map::a(source, w, i);
          a[at.row / 8][at.column] = value(word, i);
        }
      }
    const int first_column = Map::d(me, 0).column;
    for (int column = 0; column < 2; ++column)
      for (int thread = 0; thread < 4; ++thread)
        for (int w = 0; w < Map::b_words; ++w) {
          const int source = (first_column + column) * 4 + thread;
          const std::uint32_t word = shuffle(b_words[w], static_cast<unsigned>(source));
          for (int i = 0; i < Map::per_word; ++i) b[column][Map::b(source, w, i).row] = value(word, i);
        }
  }
};
#endif

}  // namespace detail

/// d += a * b, values of T: half or bfloat16. Reached by all lanes of a warp; sm_80 and above.
template <class T>
NVQ_HD void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) noexcept {
  static_assert(std::is_same<T, half>::value || std::is_same<T, bfloat16>::value,
                "nvq: mma takes half and bfloat16");
#if defined(__CUDA_ARCH__)
#if NVQ_HAS_MMA_F16
  if constexpr (std::is_same<T, half>::value)
    nvq::detail::ptx::mma_m16n8k16_f16(d, a, b);
  else
    nvq::detail::ptx::mma_m16n8k16_bf16(d, a, b);
#else
  static_assert(detail::never<T>, "nvq: mma needs sm_80 or above");
#endif
#else
  using map = mma_m16n8k16;
  const detail::gathered<map> from(a, b);
  for (int w = 0; w < 4; ++w) {
    double sum = static_cast<double>(d[w]);
    for (int k = 0; k < map::k; ++k)
      sum += static_cast<double>(ptx::twin::low<T>(from.a[w / 2][k])) *
             static_cast<double>(ptx::twin::low<T>(from.b[w % 2][k]));
    d[w] = static_cast<float>(sum);
  }
#endif
}

/// d += (a * scales of a) * (b * scales of b), codes and block scales of F: NVFP4 (kind::mxf4nvf4, four scales,
/// their sign bits 0; tensor scales are left to the caller) or MXFP4 (kind::mxf4, two scales). Reached by all lanes of
/// a warp; sm_120a, sm_121a or their family.
///
/// Byte: where in the scale registers the scales of this k begin, 0; of MXFP4 0 or 2. Thread: whose registers are
/// read, see mma_m16n8k64.
template <class F, int ByteA = 0, int ThreadA = 0, int ByteB = ByteA, int ThreadB = 0>
NVQ_HD void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                std::uint32_t scales_a, std::uint32_t scales_b) noexcept {
  constexpr bool nvfp4 = std::is_same<F, NVFP4>::value, mxfp4 = std::is_same<F, MXFP4>::value;
  static_assert(nvfp4 || mxfp4, "nvq: mma with block scales takes NVFP4 and MXFP4");
  static_assert(ThreadA >= 0 && ThreadA < 2 && ThreadB >= 0 && ThreadB < 4,
                "nvq: A's scales come from lane pair 0 or 1, B's from lane 0 to 3 of four");
  static_assert((ByteA == 0 || (mxfp4 && ByteA == 2)) && (ByteB == 0 || (mxfp4 && ByteB == 2)),
                "nvq: scales begin at byte 0; of MXFP4 at 0 or 2");
#if defined(__CUDA_ARCH__)
#if NVQ_HAS_MMA_BLOCK_SCALE
  if constexpr (nvfp4)
    nvq::detail::ptx::mma_m16n8k64_nvfp4<ByteA, ThreadA, ByteB, ThreadB>(d, a, b, scales_a, scales_b);
  else
    nvq::detail::ptx::mma_m16n8k64_mxfp4<ByteA, ThreadA, ByteB, ThreadB>(d, a, b, scales_a, scales_b);
#else
  nvq_block_scaled_mma_needs_target_sm_120a_or_sm_121a();
#endif
#else
  using map = mma_m16n8k64;
  const detail::gathered<map> from(a, b);
  std::uint32_t of_a[2], of_b[2];
  for (int i = 0; i < 2; ++i) {
    const int row = map::d(static_cast<int>(lane()), 2 * i).row,
              column = map::d(static_cast<int>(lane()), i).column;
    of_a[i] = shuffle(scales_a, static_cast<unsigned>(map::scales_a_lane(row, ThreadA))) >> 8 * ByteA;
    of_b[i] = shuffle(scales_b, static_cast<unsigned>(map::scales_b_lane(column, ThreadB))) >> 8 * ByteB;
  }
  const auto scale = [](std::uint32_t scales, int k) {
    return static_cast<double>(F::block_scale::decode(
        static_cast<std::uint8_t>(scales >> 8 * (k / static_cast<int>(F::block_size)))));
  };
  const auto element = [](std::uint32_t code) {
    return static_cast<double>(E2M1::decode(static_cast<std::uint8_t>(code)));
  };
  for (int w = 0; w < 4; ++w) {
    double sum = static_cast<double>(d[w]);
    for (int k = 0; k < map::k; ++k)
      sum += element(from.a[w / 2][k]) * scale(of_a[w / 2], k) *
             (element(from.b[w % 2][k]) * scale(of_b[w % 2], k));
    d[w] = static_cast<float>(sum);
  }
#endif
}

}  // namespace cuda

NVQ_END_NAMESPACE
