// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/memory.cuh>
#include <nvq/cuda/pack.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/cuda/unpack.cuh>

// Keys and values of attention, quantized in a paged cache: where a head of a token lies, storing it from registers and
// loading it into them.
//
// The memory is the engine's. Its layouts are those of vLLM's reshape_and_cache_flash and of FlashInfer's
// append_paged_kv_cache: [pages, page_size, heads, head_dim] (NHD) or [pages, heads, page_size, head_dim] (HND), a token's
// place a flat slot (slot_mapping) or a position looked up in its sequence's row of pages (block_table, kv_indices).
// Keys and values are a kv_cache each; a page that holds both is two with the same strides.

NVQ_BEGIN_NAMESPACE

namespace cuda {

/// How far apart pages, the tokens of a page and heads lie, in elements. A stride of 0 shares.
struct kv_strides {
  std::int64_t page = 0, token = 0, head = 0;
};

/// Of a contiguous [pages, page_size, heads, width].
NVQ_HD constexpr kv_strides kv_nhd(std::int64_t page_size, std::int64_t heads, std::int64_t width) noexcept {
  return {page_size * heads * width, heads * width, width};
}
/// Of a contiguous [pages, heads, page_size, width].
NVQ_HD constexpr kv_strides kv_hnd(std::int64_t page_size, std::int64_t heads, std::int64_t width) noexcept {
  return {page_size * heads * width, width, page_size * width};
}
/// Of one scale for everything: vLLM's k_scale and v_scale.
NVQ_HD constexpr kv_strides kv_per_tensor() noexcept { return {}; }
/// Of scales [heads].
NVQ_HD constexpr kv_strides kv_per_head() noexcept { return {0, 0, 1}; }

/// A token's place: a page and the token's number in it. Of padding tokens, which are not in the cache, the page is
/// negative: they are not stored, and load as zeros.
struct kv_slot {
  std::int64_t page, token;
  NVQ_HD constexpr bool valid() const noexcept { return page >= 0; }
};

/// The place of a flat slot, page * page_size + token (vLLM's slot_mapping). Negative slots are padding.
NVQ_HD constexpr kv_slot kv_slot_of(std::int64_t slot, std::int32_t page_size) noexcept {
  if (slot < 0) return {-1, 0};
  if (slot <= 0xFFFFFFFF) {  // a division of 64 bits is many instructions
    const auto low = static_cast<std::uint32_t>(slot), size = static_cast<std::uint32_t>(page_size);
    return {low / size, low % size};
  }
  return {slot / page_size, slot % page_size};
}

/// The place of the token at `position` of a sequence, whose pages in order are `pages`: a row of vLLM's block_table,
/// or FlashInfer's kv_indices + kv_indptr[sequence]. Negative positions and pages are padding.
template <class Page>
NVQ_HD constexpr kv_slot kv_slot_at(const Page* pages, std::int64_t position,
                                    std::int32_t page_size) noexcept {
  const kv_slot at = kv_slot_of(position, page_size);
  return at.valid() ? kv_slot{static_cast<std::int64_t>(pages[at.page]), at.token} : at;
}

/// In which order the block scales of a head lie in a page.
enum class KvScales {
  linear,  ///< by token, then by block: keys everywhere, and values but for the next
  four_tokens,  ///< four tokens interleaved: values of NVFP4 for TensorRT-LLM's generated kernels (sm_100), as vLLM
  ///< (nvfp4_kv_cache_kernels.cu) and FlashInfer write them; page_size and the blocks of a head are
  ///< multiples of 4
};

/// The quantized keys, or values, of a layer. F says what codes and scales are:
///
///   FP8_E4M3, FP8_E5M2, INT8   codes under scales that are there (a tensor's, or one for each head): kv_store()
///   FP8_E4M3_Row, INT8_Row     a float for each token and head, in an array of its own: kv_quantize()
///   NVFP4, MXFP4, MXFP8 ...    a scale for each block along head_dim, those of a head together: kv_quantize()
///
/// codes: strides in bytes; all and `codes` are multiples of the bytes that a lane moves at once, up to 16. scales:
/// strides in scales, kv_nhd() or kv_hnd() with the number of blocks of a head as width (1 without blocks). Codes and
/// scales may share pages, such as [K codes | K scales | V codes | V scales] of vLLM's NVFP4: then they have the stride
/// of those pages.
template <class F>
struct kv_cache {
  static_assert(
      !F::has_zero_point && !nvq::detail::is_packed_scale<typename F::block_scale>::value &&
          F::block::rows <= 1,
      "nvq: a KV cache has scales of tensors, heads, tokens or blocks along a head, without zero points");

  std::uint8_t* codes;
  kv_strides code_strides;
  typename F::scale_type* scales;
  kv_strides scale_strides;
  std::int32_t head_dim;
  KvScales scale_order = KvScales::linear;

  /// Where the codes from `column` of a head on lie.
  NVQ_HD std::uint8_t* codes_at(kv_slot at, std::int64_t head, std::int32_t column) const noexcept {
    return codes + offset(code_strides, at.page, at.token, head) + F::row_bytes(column);
  }
  /// Where the scale of `column` of a head lies.
  NVQ_HD typename F::scale_type* scale_at(kv_slot at, std::int64_t head, std::int32_t column) const noexcept {
    std::int64_t token = at.token;
    std::uint32_t block = 0;
    if constexpr (F::block::columns != 0) {
      constexpr auto width = static_cast<std::uint32_t>(F::block::columns);
      block = static_cast<std::uint32_t>(column) / width;
      if (scale_order == KvScales::four_tokens) {
        const std::uint32_t quarter = static_cast<std::uint32_t>(head_dim) / width / 4;
        const auto of_four = static_cast<std::uint32_t>(token) % 4;
        token = token / 4 * 4 + block / quarter;
        block = block % quarter * 4 + of_four;
      }
    }
    return scales + offset(scale_strides, at.page, token, head) + block;
  }

 private:
  NVQ_HD static constexpr std::int64_t offset(const kv_strides& by, std::int64_t page, std::int64_t token,
                                              std::int64_t head) noexcept {
    return page * by.page + token * by.token + head * by.head;
  }
};

namespace detail {

template <class F, unsigned N>
NVQ_HD void store_codes(std::uint8_t* to, const codes_t<F, N>& codes) noexcept {
  static_assert(F::element::bits * N % 32 == 0, "nvq: a lane stores and loads whole words of codes");
  std::uint32_t words[word_count<codes_t<F, N>>];
  to_words(codes, words);
  store_bytes(to, words, sizeof words, true);
}

/// How many lanes share a block of which each has N values.
template <class F, unsigned N, unsigned HeadLanes>
NVQ_HD constexpr unsigned lanes_of_block() noexcept {
  if constexpr (F::block::columns == 0) {
    static_assert(HeadLanes != 0, "nvq: kv_quantize<HeadLanes>: how many lanes share a head and its scale");
    return HeadLanes;
  } else {
    static_assert(F::block::columns % N == 0, "nvq: a lane has values of one block");
    return static_cast<unsigned>(F::block::columns) / N;
  }
}

}  // namespace detail

/// Stores `values`, those of a head from `column` on, under the scale that is there: x / scale, rounded to nearest even,
/// saturating. The bytes of vLLM's FP8 cache (scaled_convert: __nv_cvt_float_to_fp8(x / scale, __NV_SATFINITE)), for
/// NaN, too; only a scale of 0, by which vLLM divides, encodes zeros here.
///
/// head_dim is a multiple of the number of values; columns from head_dim on are not stored.
template <class F, class In, unsigned Count>
NVQ_HD void kv_store(const kv_cache<F>& cache, kv_slot at, std::int64_t head, std::int32_t column,
                     const In (&values)[Count]) noexcept {
  static_assert(F::block::rows == 0, "nvq: this format's scales are chosen by kv_quantize()");
  constexpr unsigned n = detail::values_in<In, Count>;
  if (at.valid() && column < cache.head_dim)
    detail::store_codes<F, n>(cache.codes_at(at, head, column),
                              encode<F>(values, *cache.scale_at(at, head, column)));
}

/// Chooses the scale of the block that `values` belong to under a recipe, and stores it and the codes: the bits of
/// encode_block(). Where several lanes share a block, in the order of columns and aligned as warp_reduce() asks, all lanes
/// of the warp call this together, those without a token with a slot that is not valid().
///
/// HeadLanes: lanes that share a head, a power of two, if they share a scale (FP8_E4M3_Row); where they are more than
/// head_dim needs, the columns of the others are from head_dim on.
///
/// tensor_scales: of formats that have a tensor scale, which the engine keeps. Where it keeps the decode scale alone, as
/// vLLM's k_scale, {1 / k_scale, k_scale}.
template <unsigned HeadLanes = 0, class F, class In, unsigned Count, class R = default_recipe<F>,
          class = detail::require_recipe<R>>
NVQ_HD void kv_quantize(const kv_cache<F>& cache, kv_slot at, std::int64_t head, std::int32_t column,
                        const In (&values)[Count], TensorScales tensor_scales, R recipe = {},
                        code_site site = code_site::here()) noexcept {
  static_assert(F::block::rows == 1, "nvq: this format's scale is there before: kv_store()");
  constexpr unsigned n = detail::values_in<In, Count>, lanes = detail::lanes_of_block<F, n, HeadLanes>();
  const bool stored = at.valid() && column < cache.head_dim;
  packed<F, n> block;
  if constexpr (lanes == 1) {
    if (!stored) return;
    block = pack<F>(values, tensor_scales, recipe);
  } else {
    detail::statistic_t<F, R> statistic{};
    if (stored) statistic = gather<F>(values, recipe);
    statistic = warp_reduce<static_cast<int>(lanes)>(statistic, site);
    if (!stored) return;
    block = pack<F>(values, statistic, tensor_scales, recipe);
  }
  detail::store_codes<F, n>(cache.codes_at(at, head, column), block.codes);
  if (F::block::columns == 0 ? column == 0 : column % static_cast<std::int32_t>(F::block::columns) == 0)
    *cache.scale_at(at, head, column) = block.scale;
}
/// The same for formats without a tensor scale.
template <unsigned HeadLanes = 0, class F, class In, unsigned Count, class R = default_recipe<F>,
          class = detail::require_recipe<R>>
NVQ_HD void kv_quantize(const kv_cache<F>& cache, kv_slot at, std::int64_t head, std::int32_t column,
                        const In (&values)[Count], R recipe = {},
                        code_site site = code_site::here()) noexcept {
  static_assert(!F::has_tensor_scale,
                "nvq: this format has a tensor scale: pass tensor_scales<F>(amax, recipe)");
  kv_quantize<HeadLanes>(cache, at, head, column, values, TensorScales{}, recipe, site);
}

/// N codes of a head from `column` on, for unpack(): attention may multiply its sums by scales that a head or the
/// tensor shares. `at` is valid.
template <unsigned N, class F>
NVQ_HD codes_t<F, N> kv_codes(const kv_cache<F>& cache, kv_slot at, std::int64_t head,
                              std::int32_t column) noexcept {
  static_assert(F::element::bits * N % 32 == 0, "nvq: a lane stores and loads whole words of codes");
  std::uint32_t words[detail::word_count<codes_t<F, N>>];
  detail::load_bytes(cache.codes_at(at, head, column), words, sizeof words, true);
  return detail::from_words<codes_t<F, N>>(words);
}

/// The values of a head from `column` on: (code * scale) * tensor_scale in float, rounded once more where `out` is
/// narrower, as unpack() does and vLLM's FP8 cache is read. Zeros for padding and from head_dim on.
template <class F, class Out, unsigned Count>
NVQ_HD void kv_load(const kv_cache<F>& cache, kv_slot at, std::int64_t head, std::int32_t column,
                    float tensor_scale, Out (&out)[Count]) noexcept {
  using traits = register_traits<Out>;
  if (at.valid() && column < cache.head_dim) {
    unpack<F>(kv_codes<Count * traits::count>(cache, at, head, column), *cache.scale_at(at, head, column),
              tensor_scale, out);
  } else {
    NVQ_UNROLL
    for (unsigned i = 0; i < Count; ++i) {
      if constexpr (traits::count == 1)
        out[i] = 0.0f;
      else
        out[i] = traits::from_bits(0);
    }
  }
}
/// Without the tensor scale: code * scale.
template <class F, class Out, unsigned Count>
NVQ_HD void kv_load(const kv_cache<F>& cache, kv_slot at, std::int64_t head, std::int32_t column,
                    Out (&out)[Count]) noexcept {
  kv_load(cache, at, head, column, 1.0f, out);
}

}  // namespace cuda

NVQ_END_NAMESPACE
