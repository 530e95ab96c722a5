// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>

// The random Hadamard transform that spreads outliers over 16 values before they are quantized (NVIDIA's NVFP4
// training recipe; QuIP#, QuaRot).

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// TransformerEngine's fixed signs for weight gradients, + + + - + - - - - - - + - + - -: bit i says that sign i is
/// negative.
NVQ_HD constexpr std::uint32_t hadamard_signs() noexcept { return 0xD7E8u; }

/// y = H diag(signs) x / 4, in place. H is the 16 x 16 Sylvester matrix, so the transform keeps lengths, and under the
/// signs 0 it is its own inverse.
///
/// Float sums and differences of neighbours 1, 2, 4 and 8 apart, in this order, each rounded once. TransformerEngine
/// multiplies by the matrix in bfloat16 instead, whose sums round otherwise.
NVQ_HD inline void hadamard16(float (&x)[16], std::uint32_t signs = hadamard_signs()) noexcept {
  for (unsigned i = 0; i < 16; ++i)
    if ((signs >> i & 1u) != 0) x[i] = negate(x[i]);
  for (unsigned distance = 1; distance < 16; distance *= 2)
    for (unsigned i = 0; i < 16; ++i)
      if ((i & distance) == 0) {
        const float a = x[i], b = x[i + distance];
        x[i] = add_rn(a, b);
        x[i + distance] = sub_rn(a, b);
      }
  for (float& value : x) value = mul_rn(value, 0.25f);
}

namespace detail {

/// hadamard16() of all runs of 16 columns; `out` may be `in`.
template <class T>
struct hadamard_kernel {
  using shared = no_shared;
  static constexpr unsigned threads = 256;

  const T* in;
  T* out;
  std::int64_t rows, columns, in_stride, out_stride;
  std::uint32_t signs;

  NVQ_HD void operator()(no_shared&) const noexcept {
    grid_dependency_wait();
    const std::int64_t runs = columns / 16;
    constexpr auto size = static_cast<std::int64_t>(sizeof(T));
    const bool aligned = runs_aligned(in, in_stride * size, static_cast<int>(16 * size));
    const bool aligned_out = runs_aligned(out, out_stride * size, static_cast<int>(16 * size));
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < rows * runs;
         i += std::int64_t{grid_x()} * block_threads()) {
      const std::int64_t row = i / runs, column = i % runs * 16;
      float x[16];
      load_values<16>(in + row * in_stride + column, 16, aligned, x);
      hadamard16(x, signs);
      store_values(out + row * out_stride + column, x, aligned_out);
    }
    launch_dependents();
  }

 private:
  NVQ_HD static void store_values(T* to, const float (&x)[16], bool aligned) noexcept {
    if (!aligned) {
      for (unsigned i = 0; i < 16; ++i) to[i] = T(x[i]);
      return;
    }
    constexpr unsigned in_word = 4 / sizeof(T);
    std::uint32_t words[16 / in_word] = {};
    NVQ_UNROLL
    for (unsigned i = 0; i < 16; ++i) words[i / in_word] |= bits_of(T(x[i])) << 16 * (i % in_word);
    store_bytes(reinterpret_cast<std::uint8_t*>(to), words, sizeof words, true);
  }
  NVQ_HD static std::uint32_t bits_of(float x) noexcept { return float_bits(x); }
  template <class Narrow>
  NVQ_HD static std::uint32_t bits_of(Narrow x) noexcept {
    return x.bits;
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
