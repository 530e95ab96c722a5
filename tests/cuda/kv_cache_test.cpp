// SPDX-License-Identifier: Apache-2.0
// The paged KV cache: places against arrays filled in order, bytes against the codec of blocks, lanes under the executor.
#include <cmath>
#include <cstdint>
#include <nvq/cuda/kv_cache.cuh>
#include <nvq/formats.hpp>
#include <vector>

#include "../support/catch.hpp"
#include "check.hpp"
#include "registers.hpp"

namespace {

using nvq::cuda::kv_cache;
using nvq::cuda::kv_slot;
using nvq::cuda::KvScales;
using nvq::cuda::pair;

constexpr std::uint8_t guard = 0xA5;

/// A value that no neighbour has.
float value_of(std::int64_t token, std::int64_t head, std::int64_t column) {
  const auto i = static_cast<std::uint64_t>((token * 64 + head) * 1024 + column);
  return std::ldexp(static_cast<float>(static_cast<std::int32_t>(nvq::random_bits(3, i))),
                    -28 - static_cast<int>(nvq::random_bits(4, i) % 8));
}

template <class F>
std::uint8_t code_at(const std::uint8_t* row, std::int64_t column) {
  return nvq::detail::load_code<F::element::bits>(row, column);
}

}  // namespace

TEST_CASE("slots are pages and tokens, and those of padding tokens are none") {
  const auto is = [](kv_slot at, std::int64_t page, std::int64_t token) {
    return at.valid() && at.page == page && at.token == token;
  };
  CHECK(is(nvq::cuda::kv_slot_of(0, 16), 0, 0));
  CHECK(is(nvq::cuda::kv_slot_of(53, 16), 3, 5));
  CHECK(is(nvq::cuda::kv_slot_of(4294967295, 48), 89478485, 15));
  CHECK(is(nvq::cuda::kv_slot_of(4294967296, 48), 89478485, 16));
  CHECK(is(nvq::cuda::kv_slot_of(10000000000007, 1000), 10000000000, 7));
  CHECK_FALSE(nvq::cuda::kv_slot_of(-1, 16).valid());

  const std::int32_t table[3] = {7, 2, -1};
  CHECK(is(nvq::cuda::kv_slot_at(table, 0, 4), 7, 0));
  CHECK(is(nvq::cuda::kv_slot_at(table, 6, 4), 2, 2));
  CHECK_FALSE(nvq::cuda::kv_slot_at(table, 8, 4).valid());
  CHECK_FALSE(nvq::cuda::kv_slot_at(table, -1, 4).valid());
}

TEST_CASE("codes and scales lie where arrays of that shape have them") {
  const std::int64_t pages = 3, page_size = 8, heads = 5, dim = 64, blocks = 4;
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(pages * page_size * heads * dim / 2));
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(pages * page_size * heads * blocks));
  for (const bool hnd : {false, true}) {
    const auto strides = hnd ? nvq::cuda::kv_hnd : nvq::cuda::kv_nhd;
    kv_cache<nvq::NVFP4> cache{codes.data(),
                               strides(page_size, heads, dim / 2),
                               scales.data(),
                               strides(page_size, heads, blocks),
                               static_cast<std::int32_t>(dim),
                               KvScales::linear};
    std::int64_t n = 0, wrong = 0;
    for (std::int64_t page = 0; page < pages; ++page)
      for (std::int64_t a = 0; a < (hnd ? heads : page_size); ++a)
        for (std::int64_t b = 0; b < (hnd ? page_size : heads); ++b)
          for (std::int32_t block = 0; block < blocks; ++block, ++n) {
            const kv_slot at{page, hnd ? b : a};
            const std::int64_t head = hnd ? a : b;
            wrong += cache.codes_at(at, head, 16 * block) != codes.data() + 8 * n;
            wrong += cache.codes_at(at, head, 16 * block + 8) != codes.data() + 8 * n + 4;
            wrong += cache.scale_at(at, head, 16 * block + 8) != scales.data() + n;
          }
    CHECK(wrong == 0);
  }

  // [T / 4, 4, 4, S / 4] permuted (0, 2, 3, 1), as vLLM describes it: the order of reading is that of the right side.
  const std::int64_t wide = 8;  // blocks of a head of 128
  kv_cache<nvq::NVFP4> values{
      codes.data(), {}, scales.data(), nvq::cuda::kv_hnd(page_size, heads, wide), 128, KvScales::four_tokens};
  std::int64_t n = 2 * page_size * wide, wrong = 0;  // head 2 of page 0
  for (std::int64_t fours = 0; fours < page_size / 4; ++fours)
    for (std::int64_t quarter = 0; quarter < 4; ++quarter)
      for (std::int64_t s = 0; s < wide / 4; ++s)
        for (std::int64_t t = 0; t < 4; ++t, ++n)
          wrong += values.scale_at({0, 4 * fours + t}, 2,
                                   static_cast<std::int32_t>(16 * (quarter * (wide / 4) + s))) !=
                   scales.data() + n;
  CHECK(wrong == 0);
  // From vLLM's own formula: token 5, block 7 of 16 go to token 5, place 13.
  values.head_dim = 256;
  values.scale_strides = nvq::cuda::kv_hnd(8, 1, 16);
  CHECK(values.scale_at({0, 5}, 0, 7 * 16) == scales.data() + 5 * 16 + 13);
}

TEST_CASE("codes under a scale that is there are the quotients rounded, of every 16-bit value") {
  std::uint8_t codes[64];
  const nvq::cuda::kv_strides strides = nvq::cuda::kv_nhd(2, 2, 16);
  long wrong = 0;
  for (const bool by_head : {false, true})
    for (float scale : {1.0f, 0.0078125f, 0.37f, 3.0e-38f}) {
      float scales[2] = {by_head ? 5.0f : scale, scale};
      const kv_cache<nvq::FP8_E4M3> cache{
          codes, strides, scales, by_head ? nvq::cuda::kv_per_head() : nvq::cuda::kv_per_tensor(), 16};
      for (unsigned first = 0; first < 65536; first += 16) {
        for (std::uint8_t& c : codes) c = guard;
        pair<nvq::bfloat16> x[8];
        float values[16];
        for (unsigned i = 0; i < 16; ++i) {
          values[i] = nvq::to_float(nvq::bfloat16::from_bits(static_cast<std::uint16_t>(first + i)));
          x[i / 2].bits = i % 2 == 0 ? first + i : x[i / 2].bits | (first + i) << 16;
        }
        nvq::cuda::kv_store(cache, kv_slot{0, 1}, 1, 0, x);
        nvq::cuda::kv_store(cache, kv_slot{-1, 0}, 0, 0, x);  // padding
        nvq::cuda::kv_store(cache, kv_slot{0, 1}, 0, 16, x);  // past the head
        for (unsigned i = 0; i < 64; ++i)
          wrong += codes[i] != (i < 48 ? guard : nvq::E4M3::encode(values[i - 48] / scale));
      }
    }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("every code loads as it decodes", "", nvq::FP8_E4M3, nvq::FP8_E4M3_Row, nvq::INT8_Row,
                   nvq::NVFP4, nvq::MXFP8_E5M2) {
  using F = TestType;
  using storage = typename F::scale_type;
  std::uint8_t codes[256];
  for (unsigned i = 0; i < 256; ++i) codes[i] = static_cast<std::uint8_t>(i);
  constexpr std::int32_t dim = 256 * 8 / F::element::bits;
  std::vector<storage> scales;
  for (unsigned i = 0; i < static_cast<unsigned>(F::scale_columns(dim)); ++i)
    scales.push_back(static_cast<storage>(0x30 + i));
  const kv_cache<F> cache{codes, {}, scales.data(), {}, dim};
  const float tensor_scale = F::has_tensor_scale ? 0.37f : 1.0f;
  long wrong = 0;
  for (std::int32_t column = 0; column < dim; column += 16) {
    float expected[16], out[16];
    for (std::int32_t i = 0; i < 16; ++i)
      expected[i] = nvq::decode_value<F>(
          code_at<F>(codes, column + i),
          scales[F::block::columns == 0 ? 0 : static_cast<std::size_t>((column + i) / F::block::columns)],
          tensor_scale);
    pair<nvq::bfloat16> narrow[8];
    nvq::cuda::kv_load(cache, kv_slot{0, 0}, 0, column, tensor_scale, out);
    wrong += registers::differences(out, expected);
    nvq::cuda::kv_load(cache, kv_slot{0, 0}, 0, column, tensor_scale, narrow);
    wrong += registers::differences(narrow, expected);
    if constexpr (!F::has_tensor_scale) {
      nvq::cuda::kv_load(cache, kv_slot{0, 0}, 0, column, narrow);
      wrong += registers::differences(narrow, expected);
    }
    nvq::cuda::kv_load(cache, kv_slot{-1, 0}, 0, column, tensor_scale, out);
    for (const float zero : out) wrong += nvq::float_bits(zero) != 0;
  }
  CHECK(wrong == 0);
}

namespace {

/// Heads of `dim` columns, N a lane, stored by warps, against encode_block(). Tokens 3 and 6 of 8 are padding.
template <class F, int N, unsigned HeadLanes, class R>
void check_quantized(std::int32_t dim, bool hnd, KvScales order, R recipe) {
  INFO(nvq::format_name<F> << ", heads of " << dim << ", " << N << " columns a lane");
  constexpr std::int64_t tokens = 8, heads = 3, page_size = 4, pages = 4;
  constexpr std::int64_t width = F::block::columns;
  const std::int64_t blocks = F::scale_columns(dim), bytes = F::row_bytes(dim);
  const std::int64_t slots[tokens] = {5, 0, 15, -1, 9, 4, -1, 7};
  const auto strides = hnd ? nvq::cuda::kv_hnd : nvq::cuda::kv_nhd;
  const auto ts = nvq::tensor_scales<F>(9.0f, recipe);

  const auto cache_of = [&](std::vector<std::uint8_t>& codes, std::vector<typename F::scale_type>& scales) {
    codes.assign(static_cast<std::size_t>(pages * page_size * heads * bytes), guard);
    scales.assign(static_cast<std::size_t>(pages * page_size * heads * blocks),
                  static_cast<typename F::scale_type>(guard));
    return kv_cache<F>{codes.data(),  strides(page_size, heads, bytes),
                       scales.data(), strides(page_size, heads, blocks),
                       dim,           order};
  };
  std::vector<std::uint8_t> want_codes;
  std::vector<typename F::scale_type> want_scales;
  const kv_cache<F> want = cache_of(want_codes, want_scales);
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t h = 0; h < heads && slots[t] >= 0; ++h)
      for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t count = width == 0 ? dim : width;
        std::vector<float> x;
        std::vector<std::uint8_t> codes(static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count; ++i) x.push_back(value_of(t, h, b * count + i));
        const kv_slot at{slots[t] / page_size, slots[t] % page_size};
        const auto column = static_cast<std::int32_t>(b * count);
        *want.scale_at(at, h, column) = nvq::encode_block<F>(x.data(), count, codes.data(), ts, recipe);
        nvq::detail::pack_codes<F::element::bits>(codes.data(), count, want.codes_at(at, h, column), 0);
      }

  const executor::runner run = [&](const executor::schedule& s) {
    std::vector<std::uint8_t> codes;
    std::vector<typename F::scale_type> scales;
    const kv_cache<F> cache = cache_of(codes, scales);
    const auto report = executor::run_threads({1, 1}, 64, s, [&] {
      const std::int64_t head_lanes = HeadLanes != 0 ? static_cast<int>(HeadLanes) : (dim + N - 1) / N;
      for (std::int64_t first = 0; first < tokens * heads * head_lanes; first += 64) {
        const std::int64_t i = first + nvq::cuda::thread_index(), item = i / head_lanes;
        const std::int64_t token = item / heads, head = item % heads;
        const auto column = static_cast<std::int32_t>(i % head_lanes * N);
        float x[static_cast<unsigned>(N)];
        for (int j = 0; j < N; ++j) x[j] = value_of(token, head, column + j);
        const kv_slot at = nvq::cuda::kv_slot_of(token < tokens ? slots[token] : -1, page_size);
        if constexpr (F::has_tensor_scale)
          nvq::cuda::kv_quantize<HeadLanes>(cache, at, head, column, x, ts, recipe);
        else
          nvq::cuda::kv_quantize<HeadLanes>(cache, at, head, column, x, recipe);
      }
    });
    return executor::outcome{report, codes == want_codes && scales == want_scales};
  };
  CHECK(executor::check_orders(run) == "");
}

}  // namespace

TEST_CASE("lanes quantize the heads that encode_block() does") {
  using nvq::cuda::KvScales;
  check_quantized<nvq::NVFP4, 16, 0>(64, false, KvScales::linear, nvq::recipe::transformer_engine);
  check_quantized<nvq::NVFP4, 8, 0>(128, true, KvScales::four_tokens, nvq::recipe::trtllm);
  check_quantized<nvq::NVFP4, 8, 0>(48, true, KvScales::linear, nvq::recipe::vllm);
  check_quantized<nvq::NVFP4, 16, 0>(64, true, KvScales::linear, nvq::recipe::four_over_six);
  check_quantized<nvq::MXFP8_E4M3, 8, 0>(64, false, KvScales::linear, nvq::recipe::rceil);
  check_quantized<nvq::FP8_E4M3_Row, 8, 8>(64, false, KvScales::linear, nvq::recipe::amax);
  check_quantized<nvq::FP8_E4M3_Row, 8, 8>(48, true, KvScales::linear, nvq::recipe::vllm);
  check_quantized<nvq::FP8_E4M3_Row, 16, 1>(16, true, KvScales::linear, nvq::recipe::amax);
  check_quantized<nvq::INT8_Row, 16, 8>(128, true, KvScales::linear, nvq::recipe::amax);
}
