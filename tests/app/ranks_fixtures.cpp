// SPDX-License-Identifier: Apache-2.0
#include "ranks.hpp"

namespace test {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void write_experts(const fs::path& directory) {
  Tensors tensors;
  int seed = 100;
  const auto add = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    Raw& t = tensors["model.layers." + name + ".weight"] = weights("BF16", rows, columns, seed++);
    t.bytes[1] = static_cast<char>(0x3f + seed % 3);
  };
  for (const std::string layer : {"0.", "1."}) {
    for (const char* leaf : {"q_proj", "k_proj", "v_proj", "o_proj"})
      add(layer + "self_attn." + leaf, 64, 128);
    add(layer + "block_sparse_moe.gate", 4, 128);
    for (const std::string expert : {"0.", "1.", "2.", "3."})
      for (const char* leaf : {"w1", "w2", "w3"})
        add(layer + "block_sparse_moe.experts." + expert + leaf, 128, 128);
  }
  write_model(directory, tensors, {{"model_type", "mixtral"}, {"num_local_experts", 4}});
}

std::vector<std::string> quantize_command(const fs::path& model, const fs::path& out,
                                          const std::vector<std::string>& more) {
  std::vector<std::string> all = {"quantize", model.string(), out.string(), "--batch", "1K"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace test
