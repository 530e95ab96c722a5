// SPDX-License-Identifier: Apache-2.0
// `nvq quantize` on the model of examples/data: what is written, against the owners of the dialects.
#include <algorithm>
#include <set>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

Outcome quantize(const fs::path& model, const fs::path& out, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"quantize", model.string(), out.string()});
  return nvq(more);
}

}  // namespace

TEST_CASE("every format's tensors are those its owner makes, byte for byte", "[app]") {
  struct Case {
    const char *owner, *format, *recipe, *dialect;
  };
  const Case cases[] = {
      {"modelopt-nvfp4", "nvfp4", "modelopt", "modelopt"},
      {"nvfp4", "nvfp4", "compressed_tensors_bf16", "compressed-tensors"},
      {"mxfp4", "mxfp4", "compressed_tensors", "compressed-tensors"},
      {"mxfp8", "mxfp8", "compressed_tensors", "compressed-tensors"},
      {"fp8", "fp8", "compressed_tensors_bf16", "compressed-tensors"},
      {"fp8_row", "fp8_row", "compressed_tensors_bf16", "compressed-tensors"},
      {"fp8_block", "fp8_block", "compressed_tensors_bf16", "compressed-tensors"},
      {"int8", "int8", "compressed_tensors_bf16", "compressed-tensors"},
      {"int4", "int4", "compressed_tensors_bf16", "compressed-tensors"},
  };
  const Tensors owners = read_safetensors(NVQ_VECTORS_DIR "/../app/owner_tensors.safetensors");
  const TempDir dir;
  std::size_t compared = 0;
  for (const Case& c : cases) {
    INFO(c.owner);
    const Outcome done = quantize(shared_model(), dir / c.owner,
                                  {"--format", c.format, "--recipe", c.recipe, "--dialect", c.dialect});
    INFO(done.err);
    REQUIRE(done.status == 0);
    const Tensors ours = read_checkpoint(dir / c.owner);
    const std::string prefix = std::string(c.owner) + '/', module = "model.layers.0.self_attn.k_proj.";
    std::set<std::string> suffixes;
    for (const auto& [name, owner] : owners) {
      if (name.compare(0, prefix.size(), prefix) != 0) continue;
      const std::string suffix = name.substr(prefix.size());
      suffixes.insert(suffix);
      INFO(suffix);
      REQUIRE(ours.count(module + suffix) == 1);
      CHECK(ours.at(module + suffix) == owner);
      ++compared;
    }
    for (const auto& [name, tensor] : ours)
      if (name.compare(0, module.size(), module) == 0) CHECK(suffixes.count(name.substr(module.size())) == 1);
  }
  // Those of nf4_dq are for double_quant.cpp.
  const auto others = std::count_if(owners.begin(), owners.end(),
                                    [](const auto& t) { return t.first.compare(0, 7, "nf4_dq/") == 0; });
  CHECK(compared + static_cast<std::size_t>(others) == owners.size());
}

TEST_CASE("what is not quantized is copied, and nothing is lost", "[app]") {
  const TempDir dir;
  REQUIRE(quantize(shared_model(), dir / "q").status == 0);
  const Tensors source = read_checkpoint(shared_model()), ours = read_checkpoint(dir / "q");
  int copied = 0, quantized = 0;
  for (const auto& [name, tensor] : source) {
    const bool linear = name.find("_proj.weight") != std::string::npos;
    if (linear) {
      ++quantized;
      CHECK(ours.count(name) == 0);
      CHECK(ours.count(name + "_packed") == 1);
    } else {
      ++copied;
      REQUIRE(ours.count(name) == 1);
      CHECK(ours.at(name) == tensor);
    }
  }
  CHECK(copied == 11);
  CHECK(quantized == 28);
  CHECK(ours.size() == 11 + 3 * 28);
  std::set<std::string> files;
  for (const auto& e : fs::directory_iterator(dir / "q")) files.insert(e.path().filename().string());
  CHECK(files == std::set<std::string>{"config.json", "model.safetensors"});
}

TEST_CASE("config.json gains a quantization_config and nothing else", "[app]") {
  const TempDir dir;
  REQUIRE(quantize(shared_model(), dir / "q", {"--format", "mxfp4"}).status == 0);
  json config = read_json(dir / "q" / "config.json");
  CHECK(config["quantization_config"] == json::parse(R"({
    "quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "format": "mxfp4-pack-quantized", "input_activations": null,
      "weights": {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32, "symmetric": true, "dynamic": false}}},
    "ignore": ["model.embed_tokens", "lm_head"], "kv_cache_scheme": null})"));
  config.erase("quantization_config");
  CHECK(config == read_json(shared_model() / "config.json"));
}

TEST_CASE("the modelopt dialect has both of its configuration files", "[app]") {
  const TempDir dir;
  REQUIRE(quantize(shared_model(), dir / "q", {"--dialect", "modelopt"}).status == 0);
  const json nested = read_json(dir / "q" / "hf_quant_config.json");
  const json flat = read_json(dir / "q" / "config.json")["quantization_config"];
  CHECK(nested["quantization"]["quant_algo"] == "W4A16_NVFP4");
  CHECK(nested["quantization"]["group_size"] == 16);
  CHECK(nested["quantization"]["kv_cache_quant_algo"].is_null());
  CHECK(nested["quantization"]["exclude_modules"] == json({"lm_head"}));
  CHECK(flat["quant_algo"] == nested["quantization"]["quant_algo"]);
  CHECK(flat["ignore"] == nested["quantization"]["exclude_modules"]);
  CHECK(flat["quant_method"] == "modelopt");
}

TEST_CASE("fused layers share one tensor scale, others do not", "[app]") {
  const TempDir dir;
  REQUIRE(quantize(shared_model(), dir / "q").status == 0);
  const Tensors t = read_checkpoint(dir / "q");
  const auto divisor = [&](const std::string& module) {
    return value_at<float>(t.at("model.layers.1." + module + ".weight_global_scale").bytes, 0);
  };
  CHECK(divisor("self_attn.q_proj") == divisor("self_attn.k_proj"));
  CHECK(divisor("self_attn.q_proj") == divisor("self_attn.v_proj"));
  CHECK(divisor("mlp.gate_proj") == divisor("mlp.up_proj"));
  CHECK(divisor("self_attn.o_proj") != divisor("self_attn.q_proj"));
  CHECK(divisor("mlp.down_proj") != divisor("mlp.gate_proj"));
  // The divisor is (448 * 6) / amax: far above 1 for weights far below 1.
  CHECK(divisor("mlp.down_proj") > 100.0f);
}

TEST_CASE("the number of threads changes nothing", "[app]") {
  const TempDir dir;
  const Outcome one = quantize(shared_model(), dir / "one", {"--threads", "1"});
  const Outcome five = quantize(shared_model(), dir / "five", {"--threads", "5"});
  REQUIRE(one.status == 0);
  REQUIRE(five.status == 0);
  CHECK(read_file(dir / "one" / "model.safetensors") == read_file(dir / "five" / "model.safetensors"));
  const auto without_time = [](const std::string& table) { return table.substr(0, table.find("time")); };
  CHECK(without_time(one.out) == without_time(five.out));
}

TEST_CASE("the closing table says what was done", "[app]") {
  const TempDir dir;
  const Outcome done = quantize(shared_model(), dir / "q");
  REQUIRE(done.status == 0);
  CHECK(done.err.empty());
  CHECK(done.out.find("28 quantized, 11 kept") != std::string::npos);
  CHECK(done.out.find("6,558,208 before, 2,036,336 after") != std::string::npos);
  // 4 bits, an 8-bit scale per 16, and a 32-bit scale for each of 28 of 3,145,728 weights.
  CHECK(done.out.find("4.5003 per quantized weight") != std::string::npos);
  CHECK(done.out.find("dB worst (model.layers.") != std::string::npos);
  CHECK(quantize(shared_model(), dir / "quiet", {"--quiet"}).out.empty());
}

TEST_CASE("companions are copied by allow-list", "[app]") {
  const TempDir dir;
  write_model(dir / "m", {{"a.q_proj.weight", weights("BF16", 32, 32, 1)}});
  for (const char* name :
       {"tokenizer.json", "tokenizer_config.json", "generation_config.json", "merges.txt",
        "chat_template.jinja", "LICENSE", "modeling_x.py", "pytorch_model.bin", "model.pt",
        "consolidated.safetensors", "model.safetensors.index.json.bak", "README.md", "training_args.bin"})
    write_file(dir / "m" / name, name);
  REQUIRE(quantize(dir / "m", dir / "q").status == 0);
  std::set<std::string> files;
  for (const auto& e : fs::directory_iterator(dir / "q")) files.insert(e.path().filename().string());
  CHECK(files == std::set<std::string>{"LICENSE", "chat_template.jinja", "config.json",
                                       "generation_config.json", "merges.txt", "model.safetensors",
                                       "modeling_x.py", "tokenizer.json", "tokenizer_config.json"});
  CHECK(read_file(dir / "q" / "merges.txt") == "merges.txt");
}
