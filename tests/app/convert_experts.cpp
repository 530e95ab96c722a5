// SPDX-License-Identifier: Apache-2.0
// nvq convert --to gpt-oss: experts that are modules of their own become stacks, bit for bit. What the stacks must be
// is drawn first, and taken apart here.
#include "convert.hpp"

using namespace test;

namespace {

constexpr std::int64_t experts = 4;

/// GPT-OSS with biases that differ.
Ckpt stacked() {
  Ckpt c = checkpoint_of("gpt-oss");
  c.config["model_type"] = "gpt_oss";
  int seed = 77;
  for (auto& [name, t] : c.tensors)
    if (name.size() > 5 && name.compare(name.size() - 5, 5, "_bias") == 0)
      t = weights("BF16", t.shape[0], t.shape[1], ++seed);
  return c;
}

/// Rows first, first + step, ... of one expert of a stack.
Raw rows_of(const Raw& stack, std::int64_t expert, std::int64_t first, std::int64_t step,
            std::vector<std::int64_t> shape) {
  const std::int64_t rows = stack.shape[1];
  const std::size_t row = stack.bytes.size() / static_cast<std::size_t>(experts * rows);
  Raw t{stack.dtype, std::move(shape), {}};
  for (std::int64_t r = first; r < rows; r += step)
    t.bytes += stack.bytes.substr(static_cast<std::size_t>(expert * rows + r) * row, row);
  return t;
}

/// The same as llm-compressor 0.14 writes it: a module for each projection of each expert, gate in the even rows.
Ckpt linearized(const Ckpt& from) {
  Ckpt c;
  c.config = from.config;
  json ignore = {"lm_head"};
  for (const auto& [name, t] : from.tensors) {
    const auto at = name.find("experts.");
    if (at == std::string::npos) {
      c.tensors[name] = t;
      if (name.find("_proj.weight") != std::string::npos || name.find("router.weight") != std::string::npos)
        ignore.push_back(name.substr(0, name.rfind('.')));
      continue;
    }
    const auto cut = name.rfind('_');
    const std::string module = name.substr(0, cut), part = name.substr(cut + 1),
                      parent = module.substr(0, at + 8);
    const bool down = module.substr(at + 8) == "down_proj";
    const std::int64_t ways = down ? 1 : 2, rows = t.shape[1] / ways;
    for (std::int64_t e = 0; e < experts; ++e)
      for (std::int64_t way = 0; way < ways; ++way) {
        const std::string m = parent + std::to_string(e) +
                              (down       ? ".down_proj."
                               : way == 0 ? ".gate_proj."
                                          : ".up_proj.");
        if (part == "blocks")
          c.tensors[m + "weight_packed"] = rows_of(t, e, way, ways, {rows, t.shape[2] * 16});
        else if (part == "scales")
          c.tensors[m + "weight_scale"] = rows_of(t, e, way, ways, {rows, t.shape[2]});
        else
          c.tensors[m + "bias"] = rows_of(t, e, way, ways, {rows});
      }
  }
  c.q() = checkpoint_of("mxfp4-pack-quantized").q();
  c.q()["ignore"] = ignore;
  return c;
}

const std::string layer = "model.layers.1.mlp.experts";

}  // namespace

TEST_CASE("convert GPT-OSS whose experts are modules", "[app][convert]") {
  const Ckpt want = stacked(), source = linearized(want);
  for (const bool sharded : {false, true}) {
    const TempDir dir;
    source.write(dir / "a", sharded);
    const Outcome done = convert(dir / "a", dir / "b", "gpt-oss");
    INFO(done.err);
    REQUIRE(done.status == 0);
    CHECK(done.out.find("24 quantized weights converted") != std::string::npos);
    const Tensors got = read_checkpoint(dir / "b");
    CHECK(got.size() == want.tensors.size());
    for (const auto& [name, t] : want.tensors) {
      INFO(name);
      REQUIRE(got.count(name) == 1);
      CHECK(got.at(name) == t);
    }
    const json q = read_json(dir / "b" / "config.json")["quantization_config"];
    CHECK(q["quant_method"] == "mxfp4");
    const json& kept = q["modules_to_not_convert"];
    CHECK(std::find(kept.begin(), kept.end(), "model.layers.0.self_attn.q_proj") != kept.end());
    CHECK(std::find(kept.begin(), kept.end(), "model.layers.1.mlp.router") != kept.end());
    const Verdict v = examine(dir / "b");
    INFO(v.all());
    CHECK(v.status == 0);
  }
}

TEST_CASE("experts that do not make whole stacks are refused", "[app][convert]") {
  const Ckpt whole = linearized(stacked());
  Ckpt other = whole;
  other.config["model_type"] = "qwen3_moe";
  expect_refusal(other, "gpt-oss", {"model.layers.0.mlp.experts.0.", "experts of GPT-OSS", "qwen3_moe"});
  Ckpt bias = whole;
  bias.tensors.erase(layer + ".2.up_proj.bias");
  expect_refusal(bias, "gpt-oss", {layer + ".2.up_proj", "no bias of 256 values"});
  Ckpt type = whole;
  type[layer + ".3.down_proj.bias"] = constant("F32", {128}, 1);
  expect_refusal(type, "gpt-oss", {layer + ".3.down_proj", "another type"});
  Ckpt one = whole;
  for (const char* part : {"weight_packed", "weight_scale", "bias"})
    one.tensors.erase(layer + ".2.gate_proj." + part);
  expect_refusal(one, "gpt-oss", {layer + ".2.gate_proj", "not quantized as the others"});
  Ckpt last = whole;
  for (const char* p : {"gate_proj", "up_proj", "down_proj"})
    for (const char* part : {"weight_packed", "weight_scale", "bias"})
      last.tensors.erase(layer + ".3." + p + "." + part);
  expect_refusal(last, "gpt-oss", {layer, "3 experts", "where 4 are needed"});
  Ckpt shape = whole;
  shape[layer + ".1.down_proj.weight_packed"] = random_bytes("U8", {128, 64}, 1);
  shape[layer + ".1.down_proj.weight_scale"] = random_bytes("U8", {128, 4}, 1);
  expect_refusal(shape, "gpt-oss", {layer + ".1.down_proj", "its shape"});
  Ckpt attention = whole;
  const std::string q = "model.layers.0.self_attn.q_proj";
  attention.tensors.erase(q + ".weight");
  attention.tensors[q + ".weight_packed"] = random_bytes("U8", {128, 64}, 1);
  attention.tensors[q + ".weight_scale"] = random_bytes("U8", {128, 4}, 1);
  expect_refusal(attention, "gpt-oss", {q, "experts alone"});
  Ckpt dynamic = whole;
  json& group = dynamic.q()["config_groups"]["group_0"];
  group["input_activations"] = group["weights"];
  group["input_activations"]["dynamic"] = true;
  expect_refusal(dynamic, "gpt-oss", {"--activations none"});
}
