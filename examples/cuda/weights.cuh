// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/thread.cuh>

#if !defined(__CUDA_ARCH__)
#include <cstring>
#endif

// What gemv.cuh and gemm.cuh share: a quantized weight, and the prologue that makes operands of tensor cores of it.
//
// Each lane takes 32 consecutive codes of a row. Tensor cores sum over k, so which k a pair of values stands for is
// free as long as both operands agree: 4-bit codes are read as if they were interleaved, which saves permutations,
// and arrange() brings activations into the same order, once for all rows.

namespace example {

using nvq::bfloat16;
using bfloat16x2 = nvq::cuda::pair<bfloat16>;

/// The weight of a linear layer, [n, k] row-major, as nvq::quantize<F> leaves it. k is a multiple of 32, codes are
/// aligned to 16 bytes, pointers are of the device.
template <class F>
struct weight {
  std::int64_t n, k;
  const std::uint8_t* codes;
  const typename F::scale_type* scales;
  const std::uint8_t* zero_points;  ///< of formats that have them
  const float* tensor_scale;        ///< the decode scale, of formats that have one

  NVQ_HD std::int64_t scale_index(std::int64_t row, std::int64_t column) const noexcept {
    const std::int64_t r = F::block::rows == 0 ? 0 : row / F::block::rows;
    const std::int64_t c = F::block::columns == 0 ? 0 : column / F::block::columns;
    return r * F::scale_columns(k) + c;
  }
};

/// Where block scales multiply: the values of a lane before the product; the sums over 128 columns, exactly and for
/// less; or the result.
enum class Scaling { values, sums, result };
template <class F>
inline constexpr Scaling scaling = F::block::columns == 0         ? Scaling::result
                                   : F::block::columns % 128 == 0 ? Scaling::sums
                                                                  : Scaling::values;

template <class F>
inline constexpr bool is_e2m1 = std::is_same<typename F::element, nvq::E2M1>::value;

/// N bytes of memory that is read once, aligned to 16.
template <class T>
NVQ_HD T load_once(const void* from) noexcept {
  T words;
  NVQ_UNROLL
  for (unsigned i = 0; i < sizeof(T) / 16; ++i) {
#if defined(__CUDA_ARCH__)
    const uint4 v = __ldcs(static_cast<const uint4*>(from) + i);
    words.word[4 * i] = v.x, words.word[4 * i + 1] = v.y, words.word[4 * i + 2] = v.z,
                   words.word[4 * i + 3] = v.w;
#else
    std::memcpy(words.word + 4 * i, static_cast<const char*>(from) + 16 * i, 16);
#endif
  }
  return words;
}

/// Eight bfloat16s, aligned to 16 bytes.
NVQ_HD inline nvq::cuda::code_words<4> load_vector(const void* from) noexcept {
#if defined(__CUDA_ARCH__)
  return *static_cast<const nvq::cuda::code_words<4>*>(from);
#else
  nvq::cuda::code_words<4> words;
  std::memcpy(&words, from, 16);
  return words;
#endif
}

/// A row, from which a lane loads.
template <class F>
struct weight_row {
  const std::uint8_t* codes;
  const typename F::scale_type* scales;
  const std::uint8_t* zero_points;

  /// Of rows behind the last one, the last.
  NVQ_HD static weight_row of(const weight<F>& w, std::int64_t row) noexcept {
    const std::int64_t r = row < w.n ? row : w.n - 1, scale = w.scale_index(r, 0);
    return {w.codes + r * F::row_bytes(w.k), w.scales + scale,
            F::has_zero_point ? w.zero_points + scale : nullptr};
  }
};

/// 32 consecutive codes of a row with their scales.
template <class F>
struct lane_weights {
  static_assert(is_e2m1<F>
                    ? scaling<F> == Scaling::values
                    : F::element::bits == 8 || (F::element::bits == 4 && scaling<F> != Scaling::values),
                "E2M1 in blocks of 16 or 32; INT4 in groups of 128, 256 ...; 8-bit formats");
  static constexpr unsigned parts = F::block::columns == 16 ? 2 : 1;

  nvq::cuda::codes_t<F, 32> codes;
  typename F::scale_code scale[parts];

  /// Columns k to k + 31.
  NVQ_HD void load(const weight_row<F>& row, std::int64_t k) noexcept {
    codes = load_once<nvq::cuda::codes_t<F, 32>>(row.codes + k * F::element::bits / 8);
    if constexpr (scaling<F> != Scaling::result) {
      const std::int64_t block = k / F::block::columns;
      if constexpr (F::has_zero_point) {
        scale[0] = {row.scales[block], row.zero_points[block]};
      } else if constexpr (parts == 2) {
        struct alignas(2 * sizeof(typename F::scale_type)) two {  // the first has an even index
          typename F::scale_type scale[2];
        };
        const two both = *reinterpret_cast<const two*>(row.scales + block);
        scale[0] = both.scale[0], scale[1] = both.scale[1];
      } else {
        scale[0] = row.scales[block];
      }
    }
  }

  /// 16 registers of the operand: the prologue. pair 4j + i has columns 8j + i and 8j + i + 4 of 4-bit formats,
  /// columns 8j + 2i and 8j + 2i + 1 of others, times 2^-bias.
  NVQ_HD void unpack(std::uint32_t (&pairs)[16]) const noexcept {
    using nvq::cuda::Order;
    constexpr unsigned per_word = 16 / F::element::bits, words = 16 / per_word;
    NVQ_UNROLL
    for (unsigned w = 0; w < words; ++w) {
      bfloat16x2 out[per_word];
      if constexpr (is_e2m1<F>)
        nvq::cuda::unpack_biased<F>(codes.word[w], scale[w * parts / words], out);
      else if constexpr (F::has_zero_point)
        nvq::cuda::unpack<F, Order::interleaved>(codes.word[w], scale[0].zero_point, out);
      else if constexpr (F::element::bits == 4)
        nvq::cuda::unpack<F, Order::interleaved>(codes.word[w], out);
      else if constexpr (scaling<F> == Scaling::values)
        nvq::cuda::unpack<F>(codes.word[w], scale[0], out);
      else
        nvq::cuda::unpack<F>(codes.word[w], out);
      NVQ_UNROLL
      for (unsigned i = 0; i < per_word; ++i) pairs[per_word * w + i] = out[i].bits;
    }
  }

  static constexpr int bias = is_e2m1<F> ? nvq::cuda::unpack_scaled_bias<F, bfloat16x2> : 0;

  /// What sums over these columns are multiplied by, where scaling<F> says so.
  NVQ_HD float sum_scale() const noexcept {
    if constexpr (F::has_zero_point)
      return F::block_scale::decode(scale[0].scale);
    else
      return F::block_scale::decode(scale[0]);
  }
};

/// What the result of a row is multiplied by.
template <class F>
NVQ_HD float result_scale(const weight<F>& w, std::int64_t row) noexcept {
  float scale = nvq::exp2i(lane_weights<F>::bias);
  if constexpr (F::has_tensor_scale) scale *= *w.tensor_scale;
  if constexpr (scaling<F> == Scaling::result)
    scale *= F::block_scale::decode(w.scales[w.scale_index(row, 0)]);
  return scale;
}

/// Eight activations of consecutive k as lane_weights<F>::unpack() has eight weights.
template <class F>
NVQ_HD nvq::cuda::code_words<4> arrange(const nvq::cuda::code_words<4>& x) noexcept {
  using nvq::cuda::ptx::prmt;
  if constexpr (F::element::bits == 8)
    return x;
  else
    return {{prmt(x.word[0], x.word[2], 0x5410u), prmt(x.word[0], x.word[2], 0x7632u),
             prmt(x.word[1], x.word[3], 0x5410u), prmt(x.word[1], x.word[3], 0x7632u)}};
}

}  // namespace example
