// SPDX-License-Identifier: Apache-2.0
// nvq convert: what it refuses, and what it leaves behind when it fails.
#include "convert.hpp"

using namespace test;

namespace {

const std::string q0 = "model.layers.0.self_attn.q_proj";

}  // namespace

TEST_CASE("what cannot be converted is refused before anything is written", "[app][convert]") {
  const std::string first = "model.layers.0.mlp.down_proj",
                    again = "`nvq dequantize` and then `nvq quantize`";
  expect_refusal(checkpoint_of("modelopt-nvfp4"), "deepseek", {first, "fp8_block", again});
  expect_refusal(checkpoint_of("modelopt-nvfp4"), "gptq", {first, "4-bit integers", again});
  expect_refusal(checkpoint_of("mxfp4-pack-quantized"), "modelopt", {first, again});
  expect_refusal(checkpoint_of("mxfp4-pack-quantized"), "gpt-oss", {first, "experts of GPT-OSS", "'llama'"});
  expect_refusal(checkpoint_of("gpt-oss"), "compressed-tensors",
                 {"mlp.experts.", "no engine reads", "transformers"});
  expect_refusal(checkpoint_of("int-quantized"), "modelopt", {first, again});
  expect_refusal(checkpoint_of("bitsandbytes"), "compressed-tensors", {first, "NF4"});
  expect_refusal(checkpoint_of("mxfp8-quantized"), "modelopt", {first, "--activations dynamic"});
  expect_refusal(checkpoint_of("gptq"), "compressed-tensors", {first, "g_idx", "column 64 into group 0"});
  expect_refusal(checkpoint_of("pack-quantized-g_idx"), "gptq", {first, "weight_g_idx"});
  expect_refusal(checkpoint_of("modelopt-nvfp4"), "modelopt", {"already"});
  expect_refusal(checkpoint_of("modelopt-nvfp4"), "gguf", {"unknown dialect 'gguf'", "compressed-tensors"});
  expect_refusal(plain_model(), "modelopt", {"not quantized"});

  Ckpt order = in_order(checkpoint_of("gptq"));
  order.q()["desc_act"] = true;
  expect_refusal(order, "awq", {"desc_act"});
  Ckpt version = in_order(checkpoint_of("gptq"));
  version.q()["checkpoint_format"] = "gptq_v2";
  expect_refusal(version, "awq", {first, "other version of GPTQ"});
  Ckpt zero = checkpoint_of("modelopt-nvfp4");
  std::memset(zero[q0 + ".input_scale"].bytes.data(), 0, 4);
  expect_refusal(zero, "compressed-tensors", {q0 + ".input_scale", "no reciprocal"});
  Ckpt missing = checkpoint_of("modelopt-nvfp4");
  missing.tensors.erase(q0 + ".input_scale");
  expect_refusal(missing, "compressed-tensors", {q0, "no input scale", "--fix"});
  Ckpt smooth = checkpoint_of("modelopt-nvfp4");
  smooth.tensors[q0 + ".pre_quant_scale"] = constant("BF16", {128}, 1.0f);
  expect_refusal(smooth, "compressed-tensors", {q0, "pre_quant_scale"});
  Ckpt weight_only = checkpoint_of("float-quantized-tensor");
  weight_only.q()["config_groups"]["group_0"]["input_activations"] = nullptr;
  expect_refusal(weight_only, "modelopt", {first, "calibrated input_scale"});
  Ckpt heads = checkpoint_of("float-quantized-channel");
  heads.tensors["model.layers.0.self_attn.k_scale"] = constant("BF16", {4, 1, 1}, 0.25f);
  expect_refusal(heads, "modelopt", {"self_attn.k_scale", "a scale per head"});
  Ckpt cache = checkpoint_of("float-quantized-block");
  cache.tensors["model.layers.0.self_attn.k_scale"] = constant("BF16", {1}, 0.25f);
  expect_refusal(cache, "deepseek", {"KV cache"});
  expect_refusal(checkpoint_of("two-groups"), "deepseek", {first});
}

TEST_CASE("convert takes activations that the user chose", "[app][convert]") {
  const TempDir dir;
  checkpoint_of("mxfp8-quantized").write(dir / "a");
  REQUIRE(convert(dir / "a", dir / "b", "modelopt", {"--activations", "dynamic"}).status == 0);
  const Verdict v = examine(dir / "b");
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(read_json(dir / "b" / "hf_quant_config.json")["quantization"]["quant_algo"] == "MXFP8");
}

TEST_CASE("a dry run writes nothing", "[app][convert]") {
  const TempDir dir;
  checkpoint_of("modelopt-nvfp4").write(dir / "a");
  const Outcome done = convert(dir / "a", dir / "b", "compressed-tensors", {"--dry-run"});
  CHECK(done.status == 0);
  CHECK(done.out.find("14 quantized weights converted") != std::string::npos);
  CHECK(!fs::exists(dir / "b"));
  CHECK(!fs::exists(dir / "b.partial"));
}

TEST_CASE("a conversion that fails leaves nothing", "[app][convert]") {
  const TempDir dir;
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  c.write(dir / "a");
  RunOptions small;
  small.file_size_limit = 65536;
  const Outcome no =
      nvq({"convert", (dir / "a").string(), (dir / "b").string(), "--to", "compressed-tensors"}, small);
  CHECK(no.status != 0);
  CHECK(!fs::exists(dir / "b"));
  CHECK(!fs::exists(dir / "b.partial"));
}
