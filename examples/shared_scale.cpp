// SPDX-License-Identifier: Apache-2.0
// How do q, k and v share a tensor scale, so that an engine can fuse them into one matrix?
//
//   c++ -std=c++17 -O2 -I include examples/shared_scale.cpp -o shared_scale && ./shared_scale

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <nvq/nvfp4.hpp>
#include <vector>

static std::vector<float> projection(std::size_t rows, std::size_t columns, float size) {
  std::vector<float> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = (static_cast<float>(i * 37 % 101) / 64.0f - 0.75f) * size;
  return weight;
}

int main() {
  const std::size_t columns = 256, q_rows = 32, kv_rows = 16;
  const std::vector<float> q = projection(q_rows, columns, 1.0f), k = projection(kv_rows, columns, 0.5f),
                           v = projection(kv_rows, columns, 2.0f);

  // A tensor is encoded against an amax, never against a scale, so no scale can go in the wrong direction.
  // Tensors that share a scale take the largest; each recipe derives its scales from it as its owner does.
  nvq::encode_options shared;
  shared.amax = nvq::shared_amax(q, k, v);
  const auto recipe = nvq::recipe::modelopt;
  const auto q4 = nvq::quantize<nvq::NVFP4>(q, {q_rows, columns}, recipe, shared);
  const auto k4 = nvq::quantize<nvq::NVFP4>(k, {kv_rows, columns}, recipe, shared);
  const auto v4 = nvq::quantize<nvq::NVFP4>(v, {kv_rows, columns}, recipe, shared);

  const nvq::TensorScales scales = nvq::tensor_scales<nvq::NVFP4>(shared.amax, recipe);
  std::cout << "amax " << shared.amax << ", decode scale " << scales.decode
            << " (what ModelOpt stores), encode scale " << scales.encode
            << " (the direction that compressed-tensors stores)\n";
  const bool one_scale = q4.tensor_scale() == scales.decode && k4.tensor_scale() == scales.decode &&
                         v4.tensor_scale() == scales.decode;
  std::cout << (one_scale ? "q, k and v have it\n" : "q, k and v differ\n");

  // The fused matrix is the three after one another, bytes and scales alike.
  std::vector<float> all(q);
  all.insert(all.end(), k.begin(), k.end());
  all.insert(all.end(), v.begin(), v.end());
  const auto fused = nvq::quantize<nvq::NVFP4>(all, {q_rows + 2 * kv_rows, columns}, recipe);
  std::vector<std::uint8_t> codes(q4.codes()), block_scales(q4.scales());
  for (const auto* part : {&k4, &v4}) {
    codes.insert(codes.end(), part->codes().begin(), part->codes().end());
    block_scales.insert(block_scales.end(), part->scales().begin(), part->scales().end());
  }
  const bool same = fused.codes() == codes && fused.scales() == block_scales;
  std::cout << (same ? "one after another they are the fused matrix, byte for byte\n"
                     : "the fused matrix differs\n");
}
