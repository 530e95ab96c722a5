// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/kv_cache.cuh>

namespace example {

using nvq::bfloat16;

/// Rotates the keys of new tokens by their positions, quantizes keys and values, and appends both to a paged cache:
/// from the output of the projection to the cache without going through memory.
///
/// F: FP8_E4M3 under scales that are there, of a tensor or of each head; FP8_E4M3_Row with a scale for each token and
/// head; NVFP4. HeadDim: 32, 64, 128, 256 or 512.
///
/// k, v [tokens, heads, HeadDim], tokens `k_stride` and `v_stride` values apart, aligned to 16 bytes. cos_sin [positions,
/// HeadDim]: the cosines of the angles, then the sines; column c and c + HeadDim / 2 of a head turn by angle c (Llama,
/// GPT-NeoX). slots: vLLM's slot_mapping, negative for padding.
template <class F, int HeadDim>
struct rope_kv_append {
  using shared = nvq::cuda::no_shared;
  using pair = nvq::cuda::pair<bfloat16>;
  static constexpr unsigned threads = 256;
  static constexpr int lanes = HeadDim / 16;  // of a head, each with 16 columns
  static_assert(lanes >= 2 && lanes <= 32 && (lanes & (lanes - 1)) == 0,
                "heads are divided among 2 to 32 lanes");

  std::int64_t tokens, heads;
  const bfloat16* k;
  const bfloat16* v;
  std::int64_t k_stride, v_stride;
  const float* cos_sin;
  const std::int64_t* positions;
  const std::int64_t* slots;
  std::int32_t page_size;
  nvq::cuda::kv_cache<F> keys, values;
  const float* k_scale;  ///< on the device, of NVFP4: the decode scales of the tensors
  const float* v_scale;

  /// Keys and values are rows of the grid.
  nvq::cuda::grid_shape grid() const noexcept {
    return {static_cast<unsigned>((tokens * heads * lanes + threads - 1) / threads), 2};
  }

  NVQ_HD void operator()(shared&) const noexcept {
    const std::int64_t thread =
        std::int64_t{nvq::cuda::block_index_x()} * threads + nvq::cuda::thread_index();
    const std::int64_t token = thread / lanes / heads, head = thread / lanes % heads;
    const auto column = static_cast<std::int32_t>(thread % lanes) * 16;
    // Lanes exchange values: those without a token stay until the end.
    nvq::cuda::kv_slot at{-1, 0};
    if (token < tokens) at = nvq::cuda::kv_slot_of(slots[token], page_size);

    const bool of_key = nvq::cuda::block_index_y() == 0;
    pair x[8] = {};
    if (at.valid()) load(of_key ? k + token * k_stride : v + token * v_stride, head * HeadDim + column, x);
    if (of_key) rotate(x, at.valid() ? cos_sin + positions[token] * HeadDim : nullptr, column);

    const nvq::cuda::kv_cache<F>& cache = of_key ? keys : values;
    if constexpr (F::block::rows == 0) {
      nvq::cuda::kv_store(cache, at, head, column, x);
    } else if constexpr (F::has_tensor_scale) {
      const float scale = *(of_key ? k_scale : v_scale);
      nvq::cuda::kv_quantize(cache, at, head, column, x,
                             nvq::TensorScales{nvq::div_rn(1.0f, scale), scale, 0.0f});
    } else {
      nvq::cuda::kv_quantize<lanes>(cache, at, head, column, x);
    }
  }

 private:
  NVQ_HD static void load(const bfloat16* row, std::int64_t column, pair (&x)[8]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i) {
      const auto words = nvq::cuda::detail::load_words<4>(row + column + 8 * i);
      NVQ_UNROLL
      for (unsigned j = 0; j < 4; ++j) x[4 * i + j].bits = words.word[j];
    }
  }

  /// (a, b) to (a cos - b sin, b cos + a sin), rounded to bfloat16 as a kernel of its own would. The lane that has the
  /// other column of each pair is half a head away.
  NVQ_HD static void rotate(pair (&x)[8], const float* angles, std::int32_t column) noexcept {
    const bool second = column >= HeadDim / 2;
    NVQ_UNROLL
    for (unsigned i = 0; i < 8; ++i) {
      const pair other = nvq::cuda::shuffle_xor(x[i], lanes / 2);
      if (angles == nullptr) continue;
      float turned[2];
      NVQ_UNROLL
      for (unsigned j = 0; j < 2; ++j) {
        const std::int32_t angle =
            (second ? column - HeadDim / 2 : column) + static_cast<std::int32_t>(2 * i + j);
        const float cosine = angles[angle], sine = angles[angle + HeadDim / 2];
        const float mine = nvq::mul_rn(value(x[i], j), cosine), theirs = nvq::mul_rn(value(other, j), sine);
        turned[j] = second ? nvq::add_rn(mine, theirs) : nvq::sub_rn(mine, theirs);
      }
      x[i].bits = nvq::cuda::ptx::bf16x2(turned[0], turned[1]);
    }
  }
  NVQ_HD static float value(pair p, unsigned j) noexcept {
    return nvq::to_float(bfloat16::from_bits(static_cast<std::uint16_t>(p.bits >> 16 * j)));
  }
};

}  // namespace example
