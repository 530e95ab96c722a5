// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <tuple>

#include "support/catch.hpp"
#include "verify.hpp"

namespace test {

namespace {

constexpr std::int64_t hidden = 128, inner = 256, experts = 4;

std::uint16_t bf16(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return static_cast<std::uint16_t>(bits >> 16);
}

bool is_linear_name(const std::string& name) { return name.find("_proj.weight") != std::string::npos; }

}  // namespace

Raw scalar(float value, bool rank_one) {
  Raw t{"F32", {}, std::string(4, '\0')};
  if (rank_one) t.shape = {1};
  std::memcpy(t.bytes.data(), &value, 4);
  return t;
}

Raw random_bytes(const std::string& dtype, std::vector<std::int64_t> shape, int seed, int low, int high) {
  std::int64_t n = dtype == "I32" ? 4 : 1;
  for (const std::int64_t d : shape) n *= d;
  Raw t{dtype, std::move(shape), {}};
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761u + 12345u;
  for (std::int64_t i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    t.bytes += static_cast<char>(low + static_cast<int>(state >> 8) % (high - low + 1));
  }
  return t;
}

Raw constant(const std::string& dtype, std::vector<std::int64_t> shape, float value) {
  std::int64_t n = 1;
  for (const std::int64_t d : shape) n *= d;
  Raw t{dtype, std::move(shape), {}};
  // F16 of the values used here: normal numbers.
  int exponent;
  const float mantissa = std::frexp(value, &exponent);
  const auto half =
      static_cast<std::uint16_t>((exponent + 14) << 10 | static_cast<int>((mantissa * 2 - 1) * 1024));
  const std::uint16_t narrow = dtype == "F16" ? half : bf16(value);
  for (std::int64_t i = 0; i < n; ++i)
    t.bytes.append(
        dtype == "F32" ? reinterpret_cast<const char*>(&value) : reinterpret_cast<const char*>(&narrow),
        dtype == "F32" ? 4 : 2);
  return t;
}

Ckpt plain_model(bool moe) {
  Ckpt c;
  int seed = 100;
  const auto linear = [&](const std::string& module, std::int64_t rows, std::int64_t columns) {
    c.tensors[module + ".weight"] = weights("BF16", rows, columns, seed++);
  };
  for (int l = 0; l < 2; ++l) {
    const std::string layer = "model.layers." + std::to_string(l) + '.';
    for (const char* p : {"q_proj", "o_proj"}) linear(layer + "self_attn." + p, hidden, hidden);
    for (const char* p : {"k_proj", "v_proj"}) linear(layer + "self_attn." + p, moe ? 128 : 128, hidden);
    for (std::int64_t e = 0; e < (moe ? experts : 1); ++e) {
      const std::string mlp = layer + "mlp." + (moe ? "experts." + std::to_string(e) + '.' : "");
      linear(mlp + "gate_proj", inner, hidden);
      linear(mlp + "up_proj", inner, hidden);
      linear(mlp + "down_proj", hidden, inner);
    }
    if (moe) linear(layer + "mlp.gate", experts, hidden);
    c.tensors[layer + "input_layernorm.weight"] = constant("BF16", {hidden}, 1.0f);
    c.tensors[layer + "post_attention_layernorm.weight"] = constant("BF16", {hidden}, 1.0f);
  }
  linear("model.embed_tokens", 64, hidden);
  linear("lm_head", 64, hidden);
  c.tensors["model.norm.weight"] = constant("BF16", {hidden}, 1.0f);
  c.config = {{"model_type", "llama"},    {"vocab_size", 64},
              {"hidden_size", hidden},    {"intermediate_size", inner},
              {"num_hidden_layers", 2},   {"num_attention_heads", 4},
              {"num_key_value_heads", 4}, {"tie_word_embeddings", false}};
  if (moe) c.config["num_experts"] = experts;
  return c;
}

std::vector<std::string> linear_layers(const Ckpt& plain) {
  std::vector<std::string> all;
  for (const auto& [name, t] : plain.tensors)
    if (is_linear_name(name)) all.push_back(name.substr(0, name.size() - 7));
  return all;
}

Raw& Ckpt::operator[](const std::string& name) {
  const auto at = tensors.find(name);
  INFO(name);
  REQUIRE(at != tensors.end());
  return at->second;
}

void Ckpt::write(const fs::path& directory, bool sharded) const {
  fs::create_directories(directory);
  write_file(directory / "config.json", config.dump());
  if (!hf_quant_config.is_null()) write_file(directory / "hf_quant_config.json", hf_quant_config.dump());
  if (!sharded) return write_safetensors(directory / "model.safetensors", tensors);
  std::array<Tensors, 2> parts;
  json map = json::object();
  std::size_t i = 0, bytes = 0;
  for (const auto& [name, t] : tensors) {
    const std::size_t part = 2 * i++ / tensors.size();
    parts[part][name] = t;
    map[name] = "model-0000" + std::to_string(part + 1) + "-of-00002.safetensors";
    bytes += t.bytes.size();
  }
  write_file(directory / "model.safetensors.index.json",
             json{{"metadata", {{"total_size", bytes}}}, {"weight_map", map}}.dump());
  for (std::size_t p = 0; p < 2; ++p)
    write_safetensors(directory / ("model-0000" + std::to_string(p + 1) + "-of-00002.safetensors"), parts[p]);
}

bool Verdict::found(const std::string& rule, const std::string& subject) const {
  for (const json& f : report["findings"])
    if (f["rule"] == rule && f["subject"] == subject) return true;
  return false;
}

bool Verdict::found(const std::string& rule) const {
  for (const json& f : report["findings"])
    if (f["rule"] == rule) return true;
  return false;
}

std::string Verdict::all() const {
  std::string text = err;
  for (const json& f : report["findings"])
    text += f["rule"].get<std::string>() + ' ' + f["subject"].get<std::string>() + ": " +
            f["seen"].get<std::string>() + '\n';
  return text;
}

Verdict examine(const fs::path& directory, std::vector<std::string> more) {
  more.insert(more.begin(), {"verify", directory.string(), "--json", "-"});
  const Outcome done = nvq(more);
  Verdict v{done.status, json::parse(done.out, nullptr, false), done.err};
  if (v.report.is_discarded()) v.report = {{"findings", json::array()}};
  return v;
}

Verdict examine(const Ckpt& c, std::vector<std::string> more) {
  const TempDir dir;
  c.write(dir / "c");
  return examine(dir / "c", std::move(more));
}

}  // namespace test
