// SPDX-License-Identifier: Apache-2.0
// Which format a layer gets, stacks of experts, and scales that come from calibration.
#include <cmath>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Outcome quantize(const fs::path& model, const fs::path& out, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"quantize", model.string(), out.string()});
  return nvq(more);
}

Tensors model(const std::vector<std::string>& modules, std::int64_t rows = 32, std::int64_t columns = 32) {
  Tensors t;
  int seed = 1;
  for (const std::string& m : modules) t[m + ".weight"] = weights("BF16", rows, columns, seed++);
  return t;
}

/// One tensor of the matrices of `parts`, one after the other; each transposed if asked.
Raw stack(const std::vector<const Raw*>& parts, std::int64_t experts, bool transposed) {
  const std::int64_t per_expert = static_cast<std::int64_t>(parts.size()) / experts;
  const std::int64_t rows = parts[0]->shape[0], columns = parts[0]->shape[1], all = per_expert * rows;
  Raw out{parts[0]->dtype, {experts, transposed ? columns : all, transposed ? all : columns}, {}};
  out.bytes.resize(static_cast<std::size_t>(experts * all * columns * 2));
  for (std::int64_t e = 0; e < experts; ++e)
    for (std::int64_t r = 0; r < all; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        const Raw& from = *parts[static_cast<std::size_t>(e * per_expert + r / rows)];
        const std::int64_t to = e * all * columns + (transposed ? c * all + r : r * columns + c);
        std::memcpy(&out.bytes[static_cast<std::size_t>(2 * to)],
                    &from.bytes[static_cast<std::size_t>(2 * (r % rows * columns + c))], 2);
      }
  return out;
}

}  // namespace

TEST_CASE("the first rule that matches a layer decides", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"lm_head", "l.0.self_attn.q_proj", "l.0.self_attn.k_proj", "l.0.mlp.up_proj",
                                "l.0.mlp.down_proj", "l.1.mlp.down_proj"}));
  write_file(dir / "rules",
             "# attention in 8 bits\n"
             "*.self_attn.* = fp8_row   # all of it\n"
             "\n"
             "l.0.mlp.down_proj = keep\n"
             "l.*.down_proj = mxfp4:ocp_floor\n"
             "lm_head = fp8_row !\n");
  const Outcome done = quantize(dir / "m", dir / "q", {"--rules", (dir / "rules").string()});
  INFO(done.err);
  REQUIRE(done.status == 0);
  const Tensors t = read_checkpoint(dir / "q");
  CHECK(t.at("l.0.self_attn.q_proj.weight").dtype == "F8_E4M3");
  CHECK(t.at("l.0.self_attn.k_proj.weight").dtype == "F8_E4M3");
  CHECK(t.at("lm_head.weight").dtype == "F8_E4M3");
  CHECK(t.at("l.0.mlp.down_proj.weight").dtype == "BF16");
  CHECK(t.at("l.1.mlp.down_proj.weight_scale").dtype == "U8");
  CHECK(t.at("l.0.mlp.up_proj.weight_scale").dtype == "F8_E4M3");
  CHECK(t.count("l.0.mlp.up_proj.weight_global_scale") == 1);
  const json config = read_json(dir / "q" / "config.json")["quantization_config"];
  CHECK(config["format"] == "mixed-precision");
  CHECK(config["ignore"] == json({"l.0.mlp.down_proj"}));
  const json& groups = config["config_groups"];
  CHECK(groups["group_0"]["targets"] == json({"Linear"}));  // fp8_row: most layers
  CHECK(groups["group_0"]["format"] == "float-quantized");
  CHECK(groups.size() == 3);
  for (const char* name : {"group_1", "group_2"}) {
    const bool mx = groups[name]["format"] == "mxfp4-pack-quantized";
    CHECK(groups[name]["targets"] == json({mx ? "l.1.mlp.down_proj" : "l.0.mlp.up_proj"}));
  }
  CHECK(contains(done.out, "mxfp4, recipe ocp_floor"));

  // What was written so is read so.
  REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "d").string()}).status == 0);
  const Tensors back = read_checkpoint(dir / "d");
  for (const auto& [name, tensor] : read_checkpoint(dir / "m")) {
    INFO(name);
    CHECK(back.at(name).dtype == "BF16");
    CHECK(back.at(name).shape == tensor.shape);
  }

  // Others write patterns in place of names.
  json whole = read_json(dir / "q" / "config.json");
  for (auto& [name, group] : whole["quantization_config"]["config_groups"].items())
    if (group["format"] == "mxfp4-pack-quantized") group["targets"] = {R"(re:l\.1\..*down_proj$)"};
  write_file(dir / "q" / "config.json", whole.dump());
  REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "p").string()}).status == 0);
  CHECK(read_checkpoint(dir / "p") == back);
}

TEST_CASE("rules that make no sense are refused with their line", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.q_proj", "l.k_proj", "l.mlp.experts.0.w1", "l.mlp.experts.1.w1"}));
  const auto why = [&](const std::string& rules) {
    write_file(dir / "rules", rules);
    const Outcome no = quantize(dir / "m", dir / "q", {"--rules", (dir / "rules").string()});
    CHECK(no.status == 1);
    CHECK(!fs::exists(dir / "q"));
    return no.err;
  };
  CHECK(contains(why("\n*.q_proj nvfp4\n"), "rules:2: '*.q_proj nvfp4' is no rule"));
  CHECK(contains(why("*.q_proj = nvfp5"), "rules:1: unknown format 'nvfp5'"));
  CHECK(contains(why("*.q_proj = nvfp4:best"), "unknown recipe 'best'"));
  CHECK(contains(why("*.q_proj ="), "is no rule"));
  CHECK(contains(why("*.q_proj = nf4"), "bitsandbytes"));
  CHECK(contains(why("*.q_proj = fp8_row"), "quantize 'l.k_proj' and 'l.q_proj' differently"));
  CHECK(
      contains(why("*.experts.1.* = fp8_row"), "'l.mlp.experts.0.w1' and 'l.mlp.experts.1.w1' differently"));
}

TEST_CASE("presets", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.self_attn.o_proj", "l.mlp.experts.0.w1", "l.mlp.shared_expert.up_proj"}));
  REQUIRE(quantize(dir / "m", dir / "a", {"--preset", "mlp-only"}).status == 0);
  const Tensors a = read_checkpoint(dir / "a");
  CHECK(a.count("l.self_attn.o_proj.weight") == 1);
  CHECK(a.count("l.mlp.experts.0.w1.weight_packed") == 1);
  CHECK(a.count("l.mlp.shared_expert.up_proj.weight_packed") == 1);
  REQUIRE(quantize(dir / "m", dir / "b", {"--preset", "experts-fp4-dense-fp8"}).status == 0);
  const Tensors b = read_checkpoint(dir / "b");
  CHECK(b.at("l.self_attn.o_proj.weight").dtype == "F8_E4M3");
  CHECK(b.at("l.mlp.shared_expert.up_proj.weight").dtype == "F8_E4M3");
  CHECK(b.count("l.mlp.experts.0.w1.weight_global_scale") == 1);
}

TEST_CASE("a family that is not known is refused until told", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.q_proj"}), {{"model_type", "marvin"}});
  const Outcome no = quantize(dir / "m", dir / "q");
  CHECK(no.status == 1);
  CHECK(contains(no.err, "model_type 'marvin' is not known here"));
  CHECK(contains(no.err, "--family llama"));
  CHECK(quantize(dir / "m", dir / "q", {"--family", "llama"}).status == 0);
}

TEST_CASE("stacked experts become what single ones do", "[app]") {
  const TempDir dir;
  const json config = {{"model_type", "qwen3_moe"}, {"hidden_size", 32}};
  const std::string parent = "model.layers.0.mlp.experts.";
  Tensors single;
  std::vector<const Raw*> gate_up, down;
  for (int e = 0; e < 3; ++e) {
    const std::string expert = parent + std::to_string(e);
    single[expert + ".gate_proj.weight"] = weights("BF16", 48, 32, 3 * e + 1);
    single[expert + ".up_proj.weight"] = weights("BF16", 48, 32, 3 * e + 2);
    single[expert + ".down_proj.weight"] = weights("BF16", 32, 48, 3 * e + 3);
    gate_up.push_back(&single[expert + ".gate_proj.weight"]);
    gate_up.push_back(&single[expert + ".up_proj.weight"]);
    down.push_back(&single[expert + ".down_proj.weight"]);
  }
  write_model(dir / "single", single, config);
  REQUIRE(quantize(dir / "single", dir / "q").status == 0);
  const Tensors expected = read_checkpoint(dir / "q");
  CHECK(expected.size() == 27);
  for (const bool transposed : {false, true}) {
    INFO(transposed);
    const std::string name = transposed ? "t" : "n";
    write_model(dir / name,
                {{parent + "gate_up_proj", stack(gate_up, 3, transposed)},
                 {parent + "down_proj", stack(down, 3, transposed)}},
                config);
    const Outcome done = quantize(dir / name, dir / ("q" + name));
    INFO(done.err);
    REQUIRE(done.status == 0);
    CHECK(read_checkpoint(dir / ("q" + name)) == expected);
    CHECK(contains(done.out, "9 quantized, 0 kept"));
    // Kept ones stay a stack, and are told.
    REQUIRE(
        quantize(dir / name, dir / ("k" + name), {"--keep", "*.experts.*", "--format", "fp8_row"}).status ==
        1);
  }
  // Without a width the two sides cannot be told apart.
  write_model(dir / "x", {{parent + "gate_up_proj", stack(gate_up, 3, false)},
                          {"l.o_proj.weight", weights("BF16", 32, 32, 9)}});
  const Outcome kept = quantize(dir / "x", dir / "qx");
  REQUIRE(kept.status == 0);
  CHECK(contains(kept.out, "kept experts stored as 3-D tensors"));
  CHECK(read_checkpoint(dir / "qx").count(parent + "gate_up_proj") == 1);
  CHECK(read_json(dir / "qx" / "config.json")["quantization_config"]["ignore"] ==
        json({"model.layers.0.mlp.experts"}));
}

TEST_CASE("input scales: fused layers share the largest, dead experts get their siblings'", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.q_proj", "l.k_proj", "l.o_proj", "l.mlp.experts.0.w1",
                                "l.mlp.experts.0.w3", "l.mlp.experts.1.w1", "l.mlp.experts.1.w3"}));
  write_file(dir / "amax.json",
             R"({"l.q_proj": 2, "l.k_proj.input_quantizer._amax": [4.0], "l.o_proj": 0.5,
                 "l.mlp.experts.0.w1": 8, "l.mlp.experts.0.w3": 16, "l.mlp.experts.1.w1": 0})");
  struct Case {
    const char *dialect, *format, *suffix;
    bool divides;
    float largest;
  };
  const Case cases[] = {{"modelopt", "nvfp4", ".input_scale", false, 2688},
                        {"compressed-tensors", "nvfp4", ".input_global_scale", true, 2688},
                        {"modelopt", "fp8", ".input_scale", false, 448},
                        {"compressed-tensors", "fp8", ".input_scale", false, 448}};
  for (const Case& c : cases) {
    const TempDir out;
    const Outcome done = quantize(
        dir / "m", out / "q",
        {"--dialect", c.dialect, "--format", c.format, "--activation-amax", (dir / "amax.json").string()});
    INFO(done.err);
    REQUIRE(done.status == 0);
    const Tensors t = read_checkpoint(out / "q");
    const auto check = [&](const std::string& module, float amax) {
      INFO(c.dialect << ' ' << c.format << ' ' << module);
      CHECK(value_at<float>(t.at(module + c.suffix).bytes, 0) ==
            (c.divides ? c.largest / amax : amax / c.largest));
    };
    check("l.q_proj", 4);
    check("l.k_proj", 4);
    check("l.o_proj", 0.5f);
    check("l.mlp.experts.0.w1", 16);
    check("l.mlp.experts.0.w3", 16);
    check("l.mlp.experts.1.w1", 8);
    check("l.mlp.experts.1.w3", 16);
    CHECK(contains(done.out, "2 experts met no tokens"));
  }
  write_file(dir / "less.json", R"({"l.q_proj": 2})");
  const Outcome no = quantize(dir / "m", dir / "q", {"--activation-amax", (dir / "less.json").string()});
  CHECK(no.status == 1);
  CHECK(contains(no.err, "for the input of 'l.mlp.experts.0.w1'"));
  write_file(dir / "bad.json", R"({"l.q_proj": -2})");
  CHECK(contains(quantize(dir / "m", dir / "q", {"--activation-amax", (dir / "bad.json").string()}).err,
                 "'l.q_proj' is no largest magnitude"));

  // The same from a safetensors file.
  Tensors amax;
  for (const char* name : {"l.q_proj", "l.k_proj", "l.o_proj", "l.mlp.experts.0.w1", "l.mlp.experts.0.w3",
                           "l.mlp.experts.1.w1", "l.mlp.experts.1.w3"}) {
    const float value = 2688;
    amax[name] = {"F32", {}, std::string(reinterpret_cast<const char*>(&value), 4)};
  }
  write_safetensors(dir / "amax.safetensors", amax);
  REQUIRE(quantize(dir / "m", dir / "s",
                   {"--dialect", "modelopt", "--activation-amax", (dir / "amax.safetensors").string()})
              .status == 0);
  REQUIRE(quantize(dir / "m", dir / "n", {"--dialect", "modelopt", "--activation-amax", "2688"}).status == 0);
  const Tensors s = read_checkpoint(dir / "s");
  CHECK(value_at<float>(s.at("l.o_proj.input_scale").bytes, 0) == 1.0f);
  CHECK(s == read_checkpoint(dir / "n"));
  CHECK(read_json(dir / "s" / "hf_quant_config.json")["quantization"]["quant_algo"] == "NVFP4");
}

TEST_CASE("scales of an FP8 KV cache", "[app]") {
  const TempDir dir;
  write_model(dir / "m", model({"l.0.self_attn.q_proj", "l.0.self_attn.k_proj", "l.0.self_attn.v_proj"}));
  write_file(dir / "kv.json", R"({"l.0.self_attn.k": 224, "l.0.self_attn.v_bmm_quantizer._amax": 896})");
  REQUIRE(quantize(dir / "m", dir / "c", {"--kv-amax", (dir / "kv.json").string()}).status == 0);
  const Tensors c = read_checkpoint(dir / "c");
  CHECK(value_at<float>(c.at("l.0.self_attn.k_scale").bytes, 0) == 0.5f);
  CHECK(value_at<float>(c.at("l.0.self_attn.v_scale").bytes, 0) == 2.0f);
  CHECK(read_json(dir / "c" / "config.json")["quantization_config"]["kv_cache_scheme"] == json::parse(R"(
    {"num_bits": 8, "type": "float", "strategy": "tensor", "symmetric": true, "dynamic": false})"));
  REQUIRE(quantize(dir / "m", dir / "o", {"--dialect", "modelopt", "--kv-amax", "448"}).status == 0);
  const Tensors o = read_checkpoint(dir / "o");
  CHECK(value_at<float>(o.at("l.0.self_attn.k_proj.k_scale").bytes, 0) == 1.0f);
  CHECK(o.at("l.0.self_attn.v_proj.v_scale").shape.empty());
  CHECK(read_json(dir / "o" / "hf_quant_config.json")["quantization"]["kv_cache_quant_algo"] == "FP8");
  write_file(dir / "half.json", R"({"l.0.self_attn.k": 224})");
  CHECK(contains(quantize(dir / "m", dir / "q", {"--kv-amax", (dir / "half.json").string()}).err,
                 "'l.0.self_attn.v'"));
}
