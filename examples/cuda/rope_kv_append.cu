// SPDX-License-Identifier: Apache-2.0
// How do I write new tokens into a quantized KV cache? RoPE, quantization and the append to a paged cache in one kernel,
// which is in rope_kv_append.cuh.
//
//   nvcc -std=c++17 -O3 -I include -arch=sm_90a examples/cuda/rope_kv_append.cu -o rope_kv_append && ./rope_kv_append
//
// sm_80 and above; of Blackwell the targets with FP4 conversions: sm_100a, sm_103a, sm_120a, sm_121a.
#include <cmath>
#include <cstdio>
#include <nvq/cuda/launch.cuh>
#include <nvq/nvq.hpp>
#include <vector>

#include "device.cuh"
#include "rope_kv_append.cuh"

namespace {

constexpr int head_dim = 128;
constexpr std::int32_t page_size = 16;
constexpr std::size_t tokens = 300, heads = 8, pages = 40;

/// Keys of new tokens and where they go: every 50th token is padding.
struct batch {
  std::vector<nvq::bfloat16> k, v;
  std::vector<std::int64_t> positions, slots;
  std::vector<float> cos_sin;

  batch() {
    for (std::size_t i = 0; i < tokens * heads * head_dim; ++i) {
      k.push_back(nvq::bfloat16(static_cast<float>(nvq::random_bits(1, i) % 201) / 32.0f - 3.125f));
      v.push_back(nvq::bfloat16(static_cast<float>(nvq::random_bits(2, i) % 201) / 64.0f - 1.5625f));
    }
    for (std::size_t t = 0; t < tokens; ++t) {
      positions.push_back(static_cast<std::int64_t>(t));
      slots.push_back(t % 50 == 49 ? -1 : static_cast<std::int64_t>(t * 7 % (pages * page_size)));
      for (int part = 0; part < 2; ++part)
        for (int i = 0; i < head_dim / 2; ++i) {
          const double angle = static_cast<double>(t) * std::pow(10000.0, -2.0 * i / head_dim);
          cos_sin.push_back(static_cast<float>(part == 0 ? std::cos(angle) : std::sin(angle)));
        }
    }
  }
};

/// Runs the kernel on F; returns how many bytes of the values' cache are not those of the host's encoder.
template <class F>
std::size_t append(const char* name, const batch& in) {
  using scale = typename F::scale_type;
  const std::int64_t bytes = F::row_bytes(head_dim);
  const auto blocks = static_cast<std::int64_t>(F::scale_columns(head_dim));
  const bool given = F::block::rows == 0;  // one scale for the tensor
  const float decode = 1.5625f / (F::has_tensor_scale ? 2688.0f : 448.0f);

  const std::size_t slots = pages * page_size * heads;
  std::vector<scale> first_scales(given ? 1 : slots * static_cast<std::size_t>(blocks));
  if (given) first_scales[0] = static_cast<scale>(decode);
  const auto k = example::device_array<nvq::bfloat16>::copy_of(in.k);
  const auto v = example::device_array<nvq::bfloat16>::copy_of(in.v);
  const auto positions = example::device_array<std::int64_t>::copy_of(in.positions);
  const auto slot_mapping = example::device_array<std::int64_t>::copy_of(in.slots);
  const auto cos_sin = example::device_array<float>::copy_of(in.cos_sin);
  const auto tensor_scale = example::device_array<float>::copy_of(std::vector<float>{decode});
  const example::device_array<std::uint8_t> k_codes(slots * static_cast<std::size_t>(bytes)),
      v_codes(k_codes.size());
  const auto k_scales = example::device_array<scale>::copy_of(first_scales);
  const auto v_scales = example::device_array<scale>::copy_of(first_scales);

  const auto cache = [&](std::uint8_t* codes, scale* scales) {
    return nvq::cuda::kv_cache<F>{
        codes, nvq::cuda::kv_nhd(page_size, heads, bytes), scales,
        given ? nvq::cuda::kv_per_tensor() : nvq::cuda::kv_nhd(page_size, heads, blocks), head_dim};
  };
  constexpr std::int64_t stride = heads * head_dim;
  const example::rope_kv_append<F, head_dim> kernel{tokens,
                                                    heads,
                                                    k.data(),
                                                    v.data(),
                                                    stride,
                                                    stride,
                                                    cos_sin.data(),
                                                    positions.data(),
                                                    slot_mapping.data(),
                                                    page_size,
                                                    cache(k_codes.data(), k_scales.data()),
                                                    cache(v_codes.data(), v_scales.data()),
                                                    tensor_scale.data(),
                                                    tensor_scale.data()};
  const float time = example::microseconds(
      [&] { example::check(nvq::cuda::launch(kernel, kernel.grid(), kernel.threads, nullptr), name); });

  const auto codes = v_codes.to_host();
  std::size_t wrong = 0;
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t h = 0; h < heads && in.slots[t] >= 0; ++h) {
      const std::size_t slot = static_cast<std::size_t>(in.slots[t]) * heads + h;
      const std::int64_t width = F::block::columns == 0 ? head_dim : F::block::columns;
      for (std::int64_t c = 0; c < head_dim; c += width) {
        float x[head_dim];
        std::uint8_t want[head_dim];
        for (std::int64_t i = 0; i < width; ++i)
          x[i] = nvq::to_float(in.v[(t * heads + h) * head_dim + static_cast<std::size_t>(c + i)]);
        if constexpr (F::block::rows == 0)
          for (std::int64_t i = 0; i < width; ++i) want[i] = F::element::encode(x[i] / decode);
        else
          nvq::encode_block<F>(x, width, want, nvq::TensorScales{1.0f / decode, decode, 0.0f},
                               nvq::default_recipe<F>{});
        const std::uint8_t* row = codes.data() + slot * static_cast<std::size_t>(bytes);
        for (std::int64_t i = 0; i < width; ++i)
          wrong += nvq::detail::load_code<F::element::bits>(row, c + i) != want[i];
      }
    }
  std::printf("%-12s RoPE and append of %zu tokens, %zu heads of %d: %s, %zu codes differ; %.1f us\n", name,
              tokens, heads, head_dim, wrong == 0 ? "ok" : "WRONG", wrong, static_cast<double>(time));
  return wrong;
}

}  // namespace

int main() {
  if (!example::has_gpu()) return 0;
  const batch in;
  const std::size_t wrong = append<nvq::FP8_E4M3>("FP8", in) + append<nvq::FP8_E4M3_Row>("FP8 by head", in) +
                            append<nvq::NVFP4>("NVFP4", in);
  return wrong == 0 ? 0 : 1;
}
