// SPDX-License-Identifier: Apache-2.0
// How do I quantize the rows of a KV cache, token by token and without allocating?
//
//   c++ -std=c++17 -O2 -I include examples/kv_cache.cpp -o kv_cache && ./kv_cache

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <nvq/fp8.hpp>
#include <nvq/metrics.hpp>
#include <nvq/nvfp4.hpp>
#include <vector>

// The keys of one token are a matrix [kv_heads, head_dim]. FP8 with one scale a head is a format with a scale
// per row; NVFP4 has blocks of 16 along head_dim and one tensor scale, fixed beforehand, as tokens come one
// by one.
using Fp8Head = nvq::FP8_E4M3_Row;
using Fp4Head = nvq::NVFP4;

constexpr std::size_t tokens = 8, heads = 2, head_dim = 64, row = heads * head_dim;

// A page of the cache in somebody's memory, one slot a token. Sizes are known at compile time.
struct Page {
  std::vector<std::uint8_t> fp8 = std::vector<std::uint8_t>(tokens * Fp8Head::codes_bytes(heads, head_dim));
  std::vector<float> fp8_scales = std::vector<float>(tokens * Fp8Head::scales_count(heads, head_dim));
  std::vector<std::uint8_t> fp4 = std::vector<std::uint8_t>(tokens * Fp4Head::codes_bytes(heads, head_dim));
  std::vector<std::uint8_t> fp4_scales =
      std::vector<std::uint8_t>(tokens * Fp4Head::scales_bytes(heads, head_dim));
};

template <class T>
nvq::span<T> slot(std::vector<T>& all, std::size_t token) {
  const std::size_t size = all.size() / tokens;
  return {all.data() + token * size, size};
}

int main() {
  Page page;
  std::vector<nvq::bfloat16> keys(tokens * row);  // a projection's output
  for (std::size_t i = 0; i < keys.size(); ++i)
    keys[i] = nvq::bfloat16(static_cast<float>(i * 37 % 101) / 16.0f - 3.0f);

  // The largest key that calibration saw. A larger one saturates; nothing before it has to be encoded again.
  const float amax = 4.0f;
  const nvq::TensorScales scales = nvq::tensor_scales<Fp4Head>(amax);

  std::vector<float> from_fp8(keys.size()), from_fp4(keys.size());
  for (std::size_t t = 0; t < tokens; ++t) {
    const nvq::span<const nvq::bfloat16> key(keys.data() + t * row, row);
    const nvq::result a =
        nvq::encode<Fp8Head>(key, {heads, head_dim}, slot(page.fp8, t), slot(page.fp8_scales, t));
    const nvq::result b =
        nvq::encode<Fp4Head>(key, {heads, head_dim}, slot(page.fp4, t), slot(page.fp4_scales, t), amax);
    if (!a || !b) return 1;

    const nvq::span<float> out8(from_fp8.data() + t * row, row), out4(from_fp4.data() + t * row, row);
    const nvq::result c =
        nvq::decode<Fp8Head>(slot(page.fp8, t), slot(page.fp8_scales, t), {heads, head_dim}, out8);
    const nvq::result d = nvq::decode<Fp4Head>(slot(page.fp4, t), slot(page.fp4_scales, t), {heads, head_dim},
                                               out4, scales.decode);
    if (!c || !d) return 1;
  }
  const std::size_t bf16_bytes = row * sizeof(nvq::bfloat16);
  std::cout << std::fixed << std::setprecision(1) << "bytes a token: BF16 " << bf16_bytes << ", FP8 "
            << (page.fp8.size() + page.fp8_scales.size() * sizeof(float)) / tokens << ", NVFP4 "
            << (page.fp4.size() + page.fp4_scales.size()) / tokens << '\n'
            << "FP8 " << nvq::sqnr_db(keys, from_fp8) << " dB, NVFP4 " << nvq::sqnr_db(keys, from_fp4)
            << " dB\n";
}
