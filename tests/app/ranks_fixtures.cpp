// SPDX-License-Identifier: Apache-2.0
#include "ranks.hpp"

namespace test {

std::map<std::string, std::string> files(const fs::path& directory) {
  std::map<std::string, std::string> all;
  for (const auto& e : fs::directory_iterator(directory))
    all[e.path().filename().string()] = e.is_directory() ? "a directory" : read_file(e.path());
  return all;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void write_torn(const fs::path& directory) {
  const char* leaves[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                          "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};
  std::vector<Tensors> shards(3);
  json map = json::object();
  int seed = 1;
  for (int layer = 0; layer < 4; ++layer)
    for (const char* leaf : leaves) {
      const std::string name = "model.layers." + std::to_string(layer) + '.' + leaf + ".weight";
      const std::size_t shard = static_cast<std::size_t>(seed) % 3;
      shards[shard][name] = weights("BF16", 128, 256, seed++);
      // Maxima that differ, so that a scale made from one partner alone shows.
      shards[shard][name].bytes[1] = static_cast<char>(0x3f + seed % 3);
      map[name] = "model-0000" + std::to_string(shard + 1) + "-of-00003.safetensors";
    }
  write_model(directory, {});
  fs::remove(directory / "model.safetensors");
  for (std::size_t s = 0; s < 3; ++s)
    write_safetensors(directory / ("model-0000" + std::to_string(s + 1) + "-of-00003.safetensors"),
                      shards[s]);
  write_file(directory / "model.safetensors.index.json", json({{"weight_map", map}}).dump());
  write_file(directory / "tokenizer.json", "{}");
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
