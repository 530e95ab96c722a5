// SPDX-License-Identifier: Apache-2.0
// Which layers are quantized, by the names of the model families.
#include <set>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// Modules of the output that are quantized.
std::set<std::string> quantized(const fs::path& directory) {
  std::set<std::string> modules;
  const std::string suffix = ".weight_packed";
  for (const auto& [name, t] : read_checkpoint(directory))
    if (name.size() > suffix.size() && name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0)
      modules.insert(name.substr(0, name.size() - suffix.size()));
  return modules;
}

std::set<std::string> ignored(const fs::path& directory) {
  return read_json(directory / "config.json")["quantization_config"]["ignore"].get<std::set<std::string>>();
}

Tensors model(const std::vector<std::string>& modules, std::int64_t rows = 32, std::int64_t columns = 32) {
  Tensors t;
  int seed = 1;
  for (const std::string& m : modules) t[m + ".weight"] = weights("BF16", rows, columns, seed++);
  return t;
}

}  // namespace

TEST_CASE("a mixture of experts: experts yes, routers and heads no", "[app]") {
  const TempDir dir;
  const std::set<std::string> yes = {"model.layers.0.self_attn.q_proj",
                                     "model.layers.0.self_attn.k_proj",
                                     "model.layers.0.self_attn.v_proj",
                                     "model.layers.0.self_attn.o_proj",
                                     "model.layers.0.mlp.experts.0.gate_proj",
                                     "model.layers.0.mlp.experts.0.up_proj",
                                     "model.layers.0.mlp.experts.0.down_proj",
                                     "model.layers.0.mlp.experts.1.gate_proj",
                                     "model.layers.0.mlp.experts.1.up_proj",
                                     "model.layers.0.mlp.experts.1.down_proj",
                                     "model.layers.0.mlp.shared_expert.up_proj",
                                     "model.layers.1.block_sparse_moe.experts.7.w1",
                                     "model.layers.1.block_sparse_moe.experts.7.w2",
                                     "model.layers.1.block_sparse_moe.experts.7.w3"};
  const std::set<std::string> no = {"lm_head",
                                    "model.layers.0.mlp.gate",
                                    "model.layers.0.mlp.shared_expert_gate",
                                    "model.layers.1.block_sparse_moe.gate",
                                    "model.layers.0.mlp.router.q_proj",
                                    "mtp.layers.0.self_attn.q_proj",
                                    "model.visual.blocks.0.attn.q_proj",
                                    "vision_tower.layers.0.mlp.fc1",
                                    "model.layers.2.linear_attn.in_proj_a"};
  std::vector<std::string> all(yes.begin(), yes.end());
  all.insert(all.end(), no.begin(), no.end());
  Tensors t = model(all);
  t["model.embed_tokens.weight"] = weights("BF16", 64, 32, 99);
  t["model.norm.weight"] = {"BF16", {32}, std::string(64, '\x3c')};
  t["model.layers.0.self_attn.q_proj.bias"] = {"BF16", {32}, std::string(64, '\x3c')};
  write_model(dir / "m", t);
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
  INFO(done.err);
  REQUIRE(done.status == 0);
  CHECK(quantized(dir / "q") == yes);
  std::set<std::string> expected = no;
  expected.insert("model.embed_tokens");
  CHECK(ignored(dir / "q") == expected);
  const Tensors out = read_checkpoint(dir / "q");
  CHECK(out.at("model.layers.0.self_attn.q_proj.bias") == t["model.layers.0.self_attn.q_proj.bias"]);
  // Gate and up of one expert share; two experts do not.
  const auto divisor = [&](const std::string& m) {
    return out.at("model.layers." + m + ".weight_global_scale").bytes;
  };
  CHECK(divisor("0.mlp.experts.0.gate_proj") == divisor("0.mlp.experts.0.up_proj"));
  CHECK(divisor("1.block_sparse_moe.experts.7.w1") == divisor("1.block_sparse_moe.experts.7.w3"));
  CHECK(done.out.find("kept weights of a kind unknown here (such as model.layers.2.linear_attn.in_proj_a)") !=
        std::string::npos);
}

TEST_CASE("the scale that partners share is that of the largest of them", "[app]") {
  const TempDir dir;
  Tensors t = model({"l.gate_proj", "l.up_proj", "l.down_proj"}, 16, 16);
  for (auto& [name, tensor] : t) std::memset(tensor.bytes.data(), 0, tensor.bytes.size());
  const auto set = [&](const std::string& name, std::uint16_t bits) {
    std::memcpy(t[name].bytes.data(), &bits, 2);
  };
  set("l.gate_proj.weight", 0x3F80);  // 1.0
  set("l.up_proj.weight", 0xC040);    // -3.0
  set("l.down_proj.weight", 0x4000);  // 2.0
  write_model(dir / "m", t);
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
  const Tensors out = read_checkpoint(dir / "q");
  CHECK(value_at<float>(out.at("l.gate_proj.weight_global_scale").bytes, 0) == 896.0f);  // 2688 / 3
  CHECK(value_at<float>(out.at("l.up_proj.weight_global_scale").bytes, 0) == 896.0f);
  CHECK(value_at<float>(out.at("l.down_proj.weight_global_scale").bytes, 0) == 1344.0f);
}

TEST_CASE("partners are quantized together or not at all", "[app]") {
  const TempDir dir;
  Tensors t = model(
      {"l.q_proj", "l.k_proj", "l.o_proj", "l.mlp.experts.0.w1", "l.mlp.experts.0.w2", "l.mlp.experts.1.w1"});
  t["l.v_proj.weight"] = weights("BF16", 32, 24, 50);  // 24 is no multiple of 16
  t["l.mlp.experts.1.w2.weight"] = weights("BF16", 32, 40, 51);
  write_model(dir / "m", t);
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
  REQUIRE(done.status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"l.o_proj"});
  CHECK(done.out.find("whose shape is no multiple of 1 x 16") != std::string::npos);
}

TEST_CASE("the option --keep leaves layers and their partners as they are", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l0.q_proj", "l0.v_proj", "l0.o_proj", "l1.o_proj"}));
  REQUIRE(
      nvq({"quantize", "--keep", "*.v_proj", "--keep", "l1.*", (dir / "m").string(), (dir / "q").string()})
          .status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"l0.o_proj"});
  CHECK(ignored(dir / "q") == std::set<std::string>{"l0.q_proj", "l0.v_proj", "l1.o_proj"});
}

TEST_CASE("a list of names to keep, and those that are names of nothing", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l0.o_proj", "l0.down_proj", "l1.o_proj"}));
  const Outcome out =
      nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--keep", "*.down_proj,l1.*,l2.*"});
  REQUIRE(out.status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"l0.o_proj"});
  CHECK(out.out.find("--keep l2.* is the name of nothing in this model") != std::string::npos);
  CHECK(out.out.find("--keep l1.*") == std::string::npos);
}

TEST_CASE("attention with an output gate keeps its inputs", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.q_proj", "l.k_proj", "l.v_proj", "l.o_proj"}),
              {{"model_type", "llama"}, {"text_config", {{"attn_output_gate", true}}}});
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"l.o_proj"});
}

TEST_CASE("layers after the last one of the model are multi-token prediction", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"model.layers.1.mlp.up_proj", "model.layers.2.mlp.up_proj"}),
              {{"model_type", "llama"}, {"num_hidden_layers", 2}});
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"model.layers.1.mlp.up_proj"});
  CHECK(ignored(dir / "q") == std::set<std::string>{"model.layers.2.mlp.up_proj"});
}

TEST_CASE("layers that the source stores fused are quantized, and told", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.self_attn.qkv_proj"}, 96));
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
  REQUIRE(done.status == 0);
  CHECK(quantized(dir / "q") == std::set<std::string>{"l.self_attn.qkv_proj"});
  CHECK(done.out.find("the source stores fused") != std::string::npos);
}

TEST_CASE("experts stored as 3-D tensors are kept and told", "[app]") {
  const TempDir dir;
  Tensors t = model({"l.o_proj"});
  Raw stacked = weights("BF16", 64, 32, 7);
  stacked.shape = {2, 32, 32};
  t["l.mlp.experts.gate_up_proj"] = stacked;
  write_model(dir / "m", t);
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
  REQUIRE(done.status == 0);
  CHECK(done.out.find("experts stored as 3-D tensors") != std::string::npos);
  CHECK(read_checkpoint(dir / "q").at("l.mlp.experts.gate_up_proj") == stacked);
}

TEST_CASE("an entry that modelopt's readers would misread is refused", "[app]") {
  // "l.mlp.gate" is a substring of "l.mlp.gate_proj".
  const TempDir dir;
  write_model(dir / "m", model({"l.mlp.gate", "l.mlp.gate_proj", "l.mlp.up_proj"}));
  const Outcome no = nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--dialect", "modelopt"});
  CHECK(no.status == 1);
  CHECK(no.err.find("'l.mlp.gate'") != std::string::npos);
  CHECK(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
}

TEST_CASE("F32, F16 and BF16 weights of the same values give the same codes", "[app]") {
  const TempDir dir;
  std::vector<Tensors> results;
  for (const std::string type : {"F32", "F16", "BF16"}) {
    write_model(dir / type, {{"l.q_proj.weight", weights(type, 48, 64, 3)}});
    REQUIRE(nvq({"quantize", (dir / type).string(), (dir / (type + "-q")).string()}).status == 0);
    results.push_back(read_checkpoint(dir / (type + "-q")));
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
  CHECK(results[0].at("l.q_proj.weight_packed").bytes.find_first_not_of('\0') != std::string::npos);
}
