// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/cuda/thread.cuh>

#if !defined(__CUDA_ARCH__)
#include <cstring>
#endif

namespace example {

using nvq::bfloat16;

/// y = x / sqrt(mean(x^2) + epsilon) * gain of every row, rounded to bfloat16 and quantized to NVFP4 without going
/// through memory: the codes and scales of an RMSNorm followed by quantize_async.
///
/// x [rows, columns], columns a multiple of 16, rows `row_stride` values apart, every row and `gain` aligned to 16
/// bytes. codes [rows, columns / 2]; scales in layout::Blocked128x4 of {rows, columns / 16}, its padding written (0).
/// amax: of the normalized tensor, on the device, as calibrated; larger values saturate.
struct rmsnorm_nvfp4 {
  using format = nvq::NVFP4;
  using pair = nvq::cuda::pair<bfloat16>;
  static constexpr unsigned threads = 256;

  struct sum {
    float value;
    NVQ_HD void merge(sum other) noexcept { value += other.value; }
  };
  struct shared {
    nvq::cuda::reduce_storage<sum> of_warps;
  };

  std::int64_t rows, columns, row_stride;
  const bfloat16* x;
  const bfloat16* gain;
  float epsilon;
  const float* amax;
  std::uint8_t* codes;
  std::uint8_t* scales;

  /// `wave`: blocks that fill the device.
  nvq::cuda::grid_shape grid(unsigned wave) const noexcept {
    const std::int64_t padded = layout().padded().rows();
    return {static_cast<unsigned>(padded < wave ? padded : wave), 1};
  }

  NVQ_HD void operator()(shared& s) const noexcept {
    const nvq::TensorScales tensor_scales = nvq::tensor_scales<format>(*amax);
    const nvq::layout::Blocked128x4 at = layout();
    for (std::int64_t row = nvq::cuda::block_index_x(); row < at.padded().rows();
         row += nvq::cuda::grid_x()) {
      if (row < rows) normalize(s, row, at, tensor_scales);
      for (std::int64_t block = nvq::cuda::thread_index(); block < at.padded().columns(); block += threads)
        if (row >= rows || block >= columns / 16) scales[at.offset(row, block)] = 0;
    }
  }

 private:
  NVQ_HD nvq::layout::Blocked128x4 layout() const noexcept {
    return nvq::layout::Blocked128x4(nvq::shape2d(rows, columns / 16));
  }

  NVQ_HD void normalize(shared& s, std::int64_t row, const nvq::layout::Blocked128x4& at,
                        nvq::TensorScales tensor_scales) const noexcept {
    const bfloat16* in = x + row * row_stride;
    sum squares{0.0f};
    for (std::int64_t block = nvq::cuda::thread_index(); block < columns / 16; block += threads) {
      float values[16];
      load(in + block * 16, values);
      NVQ_UNROLL
      for (unsigned i = 0; i < 16; ++i) squares.value += values[i] * values[i];
    }
    nvq::cuda::barrier();  // of_warps is still read for the row before
    const float mean = nvq::cuda::block_reduce(squares, s.of_warps).value / static_cast<float>(columns);
    const float factor = 1.0f / std::sqrt(mean + epsilon);

    for (std::int64_t block = nvq::cuda::thread_index(); block < columns / 16; block += threads) {
      float values[16], gains[16];
      load(in + block * 16, values);
      load(gain + block * 16, gains);
      pair y[8];
      NVQ_UNROLL
      for (unsigned i = 0; i < 8; ++i)
        y[i].bits = nvq::cuda::ptx::bf16x2(values[2 * i] * factor * gains[2 * i],
                                           values[2 * i + 1] * factor * gains[2 * i + 1]);
      // The fused part: a block is in this thread's registers, so are its codes and its scale.
      const auto packed = nvq::cuda::pack<format>(y, tensor_scales);
      store(codes + row * format::row_bytes(columns) + block * 8, packed.codes);
      scales[at.offset(row, block)] = packed.scale;
    }
  }

  NVQ_HD static void load(const bfloat16* from, float (&values)[16]) noexcept {
    nvq::cuda::code_words<8> words;
#if defined(__CUDA_ARCH__)
    words = *reinterpret_cast<const nvq::cuda::code_words<8>*>(from);
#else
    std::memcpy(&words, from, sizeof words);
#endif
    NVQ_UNROLL
    for (unsigned i = 0; i < 16; ++i)
      values[i] =
          nvq::to_float(bfloat16::from_bits(static_cast<std::uint16_t>(words.word[i / 2] >> i % 2 * 16)));
  }
  NVQ_HD static void store(std::uint8_t* to, std::uint64_t codes) noexcept {
#if defined(__CUDA_ARCH__)
    *reinterpret_cast<std::uint64_t*>(to) = codes;
#else
    std::memcpy(to, &codes, sizeof codes);
#endif
  }
};

}  // namespace example
