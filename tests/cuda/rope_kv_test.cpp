// SPDX-License-Identifier: Apache-2.0
// The fused RoPE and KV append of the examples, executed on the CPU, against the three steps one after the other.
#include <cmath>
#include <cstdint>
#include <nvq/nvq.hpp>
#include <vector>

#include "../../examples/cuda/rope_kv_append.cuh"
#include "../support/catch.hpp"
#include "check.hpp"

namespace {

using nvq::bfloat16;
using nvq::cuda::kv_cache;

constexpr std::uint8_t guard = 0xA5;
constexpr std::int32_t page_size = 4;
constexpr std::int64_t pages = 3;

template <class F>
struct cache_memory {
  std::vector<std::uint8_t> codes;
  std::vector<typename F::scale_type> scales;

  cache_memory(std::int64_t heads, std::int64_t dim, float scale)
      : codes(static_cast<std::size_t>(pages * page_size * heads * F::row_bytes(dim)), guard),
        scales(static_cast<std::size_t>(pages * page_size * heads * F::scale_columns(dim)),
               static_cast<typename F::scale_type>(F::block::rows == 0 ? scale : 0x2A)) {}
  kv_cache<F> view(std::int64_t heads, std::int32_t dim) {
    return {codes.data(), nvq::cuda::kv_hnd(page_size, heads, F::row_bytes(dim)), scales.data(),
            F::block::rows == 0 ? nvq::cuda::kv_per_head()
                                : nvq::cuda::kv_hnd(page_size, heads, F::scale_columns(dim)),
            dim};
  }
  bool operator==(const cache_memory& other) const { return codes == other.codes && scales == other.scales; }
};

/// Quantizes a head and stores it at [page, head, token].
template <class F>
void append_head(cache_memory<F>& to, const std::vector<float>& x, std::int64_t heads, std::int64_t slot,
                 std::int64_t head, float scale) {
  const auto dim = static_cast<std::int64_t>(x.size());
  const std::int64_t row = (slot / page_size * heads + head) * page_size + slot % page_size;
  const std::int64_t width = F::block::columns == 0 ? dim : F::block::columns;
  for (std::int64_t c = 0; c < dim; c += width) {
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(width));
    if constexpr (F::block::rows == 0) {
      for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = F::element::encode(x[i] / scale);
    } else {
      to.scales[static_cast<std::size_t>(row * F::scale_columns(dim) + c / width)] = nvq::encode_block<F>(
          x.data() + c, width, codes.data(), {1.0f / scale, scale, 0.0f}, nvq::default_recipe<F>{});
    }
    nvq::detail::pack_codes<F::element::bits>(codes.data(), width, to.codes.data() + row * F::row_bytes(dim),
                                              c);
  }
}

template <class F, int Dim>
void check_append(std::int64_t tokens, std::int64_t heads) {
  INFO(nvq::format_name<F> << ", " << tokens << " tokens, " << heads << " heads of " << Dim);
  const std::int64_t stride = heads * Dim + 8, all_slots[12] = {6, -1, 0, 11, 3, -1, 9, 1, 2, 8, 4, 7};
  const std::vector<std::int64_t> slots(all_slots, all_slots + tokens);
  const float k_scale = 0.013f, v_scale = 0.004f;
  std::vector<bfloat16> k, v;
  for (std::int64_t i = 0; i < tokens * stride; ++i) {
    const auto n = static_cast<std::uint64_t>(i);
    k.push_back(bfloat16(static_cast<float>(nvq::random_bits(1, n) % 4001) / 512.0f - 3.9f));
    v.push_back(bfloat16(static_cast<float>(nvq::random_bits(2, n) % 4001) / 2048.0f - 0.97f));
  }
  std::vector<std::int64_t> positions;
  std::vector<float> cos_sin;
  for (std::int64_t t = 0; t < tokens; ++t) positions.push_back(t * 5 % 9);
  for (int position = 0; position < 9; ++position)
    for (int i = 0; i < Dim; ++i) {
      const double angle = position * std::pow(100.0, -2.0 * (i % (Dim / 2)) / Dim);
      cos_sin.push_back(static_cast<float>(i < Dim / 2 ? std::cos(angle) : std::sin(angle)));
    }

  cache_memory<F> want_keys(heads, Dim, k_scale), want_values(heads, Dim, v_scale);
  for (std::int64_t t = 0; t < tokens; ++t)
    for (std::int64_t h = 0; h < heads && slots[static_cast<std::size_t>(t)] >= 0; ++h) {
      const float* angles = cos_sin.data() + positions[static_cast<std::size_t>(t)] * Dim;
      std::vector<float> key(Dim), value;
      for (int i = 0; i < Dim; ++i) {
        const auto at = static_cast<std::size_t>(t * stride + h * Dim);
        value.push_back(nvq::to_float(v[at + static_cast<std::size_t>(i)]));
        if (i >= Dim / 2) continue;
        const float a = nvq::to_float(k[at + static_cast<std::size_t>(i)]),
                    b = nvq::to_float(k[at + static_cast<std::size_t>(i + Dim / 2)]);
        const float cosine = angles[i], sine = angles[i + Dim / 2];
        // Each product is rounded before the sum, as in the kernel.
        const volatile float ac = a * cosine, bs = b * sine, bc = b * cosine, as = a * sine;
        key[static_cast<std::size_t>(i)] = nvq::to_float(bfloat16(ac - bs));
        key[static_cast<std::size_t>(i + Dim / 2)] = nvq::to_float(bfloat16(bc + as));
      }
      append_head(want_keys, key, heads, slots[static_cast<std::size_t>(t)], h, k_scale);
      append_head(want_values, value, heads, slots[static_cast<std::size_t>(t)], h, v_scale);
    }

  const executor::runner run = [&](const executor::schedule& s) {
    cache_memory<F> keys(heads, Dim, k_scale), values(heads, Dim, v_scale);
    const example::rope_kv_append<F, Dim> kernel{tokens,
                                                 heads,
                                                 k.data(),
                                                 v.data(),
                                                 stride,
                                                 stride,
                                                 cos_sin.data(),
                                                 positions.data(),
                                                 slots.data(),
                                                 page_size,
                                                 keys.view(heads, Dim),
                                                 values.view(heads, Dim),
                                                 &k_scale,
                                                 &v_scale};
    const auto report = executor::run(kernel, kernel.grid(), kernel.threads, s);
    return executor::outcome{report, keys == want_keys && values == want_values};
  };
  CHECK(executor::check_orders(run) == "");
}

}  // namespace

TEST_CASE("RoPE, quantization and append in one kernel write what the three would") {
  check_append<nvq::FP8_E4M3, 64>(12, 3);
  check_append<nvq::FP8_E4M3_Row, 128>(12, 8);  // more than a block of threads
  check_append<nvq::NVFP4, 128>(7, 5);
  check_append<nvq::NVFP4, 32>(1, 1);
}
