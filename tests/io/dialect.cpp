// SPDX-License-Identifier: Apache-2.0
// The expected names, shapes and JSON are those of compressed-tensors 0.20.0 and Model Optimizer 0.47.0,
// written out.
#include <ctime>
#include <nvq/io/dialect_json.hpp>
#include <nvq/io/dialect_parts.hpp>
#include <string>

#include "support/catch.hpp"

namespace {

using nvq::io::activation_kind;
using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;

weight_scheme scheme(weight_kind kind, dialect owner = dialect::compressed_tensors, int group = 0) {
  weight_scheme s;
  s.owner = owner;
  s.kind = kind;
  s.group = group;
  s.activations = nvq::io::usual_activations(owner, kind);
  return s;
}

/// "suffix dtype shape" of every part, for a weight of 256 x 384.
std::string parts(const weight_scheme& s, dtype wide = dtype::bf16) {
  std::string text;
  for (const auto& p : nvq::io::parts(s, 256, 384, wide))
    text += std::string(p.suffix).substr(1) + ' ' + nvq::io::name(p.type) + ' ' +
            nvq::io::shape_text(p.shape) + "; ";
  return text;
}

std::string refusal(const nvq::io::expected<nvq::io::quantization>& q) { return q ? "" : q.error().message; }

/// A checkpoint of one scheme.
nvq::io::quantization whole(const weight_scheme& s, std::vector<std::string> ignore = {},
                            std::string version = "1.2.3") {
  nvq::io::quantization q;
  q.owner = s.owner;
  q.uses.push_back({s, {}});
  q.ignore = std::move(ignore);
  q.version = std::move(version);
  return q;
}

const weight_kind all_kinds[] = {
    weight_kind::nvfp4,      weight_kind::mxfp4,        weight_kind::mxfp6,     weight_kind::mxfp8,
    weight_kind::fp8_tensor, weight_kind::fp8_channel,  weight_kind::fp8_block, weight_kind::int8_channel,
    weight_kind::int4_group, weight_kind::int4_channel, weight_kind::nf4};

}  // namespace

TEST_CASE("tensors of the compressed-tensors dialect", "[io]") {
  CHECK(parts(scheme(weight_kind::nvfp4)) ==
        "weight_packed U8 [256, 192]; weight_scale F8_E4M3 [256, 24]; weight_global_scale F32 [1]; ");
  CHECK(parts(scheme(weight_kind::mxfp4)) == "weight_packed U8 [256, 192]; weight_scale U8 [256, 12]; ");
  CHECK(parts(scheme(weight_kind::mxfp6)) == "weight_packed U8 [256, 288]; weight_scale U8 [256, 12]; ");
  CHECK(parts(scheme(weight_kind::mxfp8)) == "weight F8_E4M3 [256, 384]; weight_scale U8 [256, 12]; ");
  CHECK(parts(scheme(weight_kind::fp8_tensor)) == "weight F8_E4M3 [256, 384]; weight_scale BF16 [1]; ");
  CHECK(parts(scheme(weight_kind::fp8_channel)) == "weight F8_E4M3 [256, 384]; weight_scale BF16 [256, 1]; ");
  CHECK(parts(scheme(weight_kind::fp8_block)) == "weight F8_E4M3 [256, 384]; weight_scale BF16 [2, 3]; ");
  CHECK(parts(scheme(weight_kind::int8_channel), dtype::f32) ==
        "weight I8 [256, 384]; weight_scale F32 [256, 1]; ");
  CHECK(parts(scheme(weight_kind::int4_group, dialect::compressed_tensors, 128)) ==
        "weight_packed I32 [256, 48]; weight_scale BF16 [256, 3]; weight_shape I64 [2]; ");
  CHECK(parts(scheme(weight_kind::int4_channel), dtype::f16) ==
        "weight_packed I32 [256, 48]; weight_scale F16 [256, 1]; weight_shape I64 [2]; ");
}

TEST_CASE("tensors of the modelopt dialect", "[io]") {
  const auto modelopt = dialect::modelopt;
  CHECK(parts(scheme(weight_kind::nvfp4, modelopt)) ==
        "weight U8 [256, 192]; weight_scale F8_E4M3 [256, 24]; weight_scale_2 F32 []; ");
  CHECK(parts(scheme(weight_kind::mxfp8, modelopt)) ==
        "weight F8_E4M3 [256, 384]; weight_scale U8 [256, 12]; ");
  CHECK(parts(scheme(weight_kind::fp8_channel, modelopt)) ==
        "weight F8_E4M3 [256, 384]; weight_scale F32 [256]; ");
  CHECK(parts(scheme(weight_kind::fp8_block, modelopt)) ==
        "weight F8_E4M3 [256, 384]; weight_scale F32 [2, 1, 3, 1]; ");
}

TEST_CASE("tensors of the other dialects", "[io]") {
  CHECK(parts(scheme(weight_kind::fp8_block, dialect::deepseek)) ==
        "weight F8_E4M3 [256, 384]; weight_scale_inv F32 [2, 3]; ");
  CHECK(parts(scheme(weight_kind::mxfp4, dialect::gpt_oss)) ==
        "blocks U8 [256, 12, 16]; scales U8 [256, 12]; ");
  CHECK(parts(scheme(weight_kind::int4_group, dialect::gptq, 128)) ==
        "qweight I32 [48, 256]; qzeros I32 [3, 32]; scales F16 [3, 256]; g_idx I32 [384]; ");
  CHECK(parts(scheme(weight_kind::int4_group, dialect::awq, 128)) ==
        "qweight I32 [384, 32]; qzeros I32 [3, 32]; scales F16 [3, 256]; ");
  CHECK(parts(scheme(weight_kind::nf4, dialect::bitsandbytes)) ==
        "weight U8 [49152, 1]; weight.absmax F32 [1536]; weight.quant_map F32 [16]; "
        "weight.quant_state.bitsandbytes__nf4 U8 [80]; ");
  weight_scheme nested = scheme(weight_kind::nf4, dialect::bitsandbytes);
  nested.double_quant = true;
  CHECK(parts(nested) ==
        "weight U8 [49152, 1]; weight.absmax U8 [1536]; weight.quant_map F32 [16]; "
        "weight.nested_absmax F32 [6]; weight.nested_quant_map F32 [256]; "
        "weight.quant_state.bitsandbytes__nf4 U8 [173]; ");
  weight_scheme zp = scheme(weight_kind::int4_group, dialect::compressed_tensors, 128);
  zp.zero_points = true;
  CHECK(parts(zp) ==
        "weight_packed I32 [256, 48]; weight_scale BF16 [256, 3]; weight_zero_point I32 [32, 3]; "
        "weight_shape I64 [2]; ");
  weight_scheme a4 = scheme(weight_kind::nvfp4, dialect::modelopt);
  a4.activations = activation_kind::calibrated;
  CHECK(parts(a4) ==
        "weight U8 [256, 192]; weight_scale F8_E4M3 [256, 24]; weight_scale_2 F32 []; input_scale F32 []; ");
  CHECK(parts(scheme(weight_kind::fp8_tensor, dialect::modelopt)) ==
        "weight F8_E4M3 [256, 384]; weight_scale F32 []; input_scale F32 []; ");
}

TEST_CASE("what a dialect cannot say is refused", "[io]") {
  int accepted = 0;
  for (const weight_kind kind : all_kinds) {
    CHECK(bool(nvq::io::check(scheme(kind))) == (kind != weight_kind::nf4));
    if (nvq::io::check(scheme(kind, dialect::modelopt))) ++accepted;
    CHECK(bool(nvq::io::check(scheme(kind, dialect::deepseek))) == (kind == weight_kind::fp8_block));
    CHECK(bool(nvq::io::check(scheme(kind, dialect::gpt_oss))) == (kind == weight_kind::mxfp4));
    CHECK(bool(nvq::io::check(scheme(kind, dialect::gptq, 128))) == (kind == weight_kind::int4_group));
    CHECK(bool(nvq::io::check(scheme(kind, dialect::bitsandbytes))) == (kind == weight_kind::nf4));
  }
  CHECK(accepted == 5);
  weight_scheme nested = scheme(weight_kind::nf4, dialect::bitsandbytes);
  nested.double_quant = true;
  CHECK(nvq::io::check(nested));
  nested.kind = weight_kind::nvfp4;
  nested.owner = dialect::compressed_tensors;
  CHECK(!nvq::io::check(nested));
  weight_scheme s = scheme(weight_kind::nvfp4);
  s.activations = activation_kind::dynamic;
  CHECK(!nvq::io::check(s));
  s.activations = activation_kind::calibrated;
  CHECK(nvq::io::check(s));
  s.kind = weight_kind::mxfp8;
  CHECK(!nvq::io::check(s));
  s = scheme(weight_kind::fp8_channel, dialect::modelopt);
  s.activations = activation_kind::none;
  CHECK(!nvq::io::check(s));
  s = scheme(weight_kind::int4_group, dialect::awq, 128);
  CHECK(!nvq::io::check(s));
  s.zero_points = true;
  CHECK(nvq::io::check(s));
  s.kind = weight_kind::int4_channel;
  CHECK(!nvq::io::check(s));
}

TEST_CASE("quantization_config of compressed-tensors", "[io]") {
  const auto config =
      nvq::io::quantization_config(whole(scheme(weight_kind::nvfp4), {"lm_head", "a.router"}));
  CHECK(config == nvq::io::json::parse(R"({
    "quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "format": "nvfp4-pack-quantized",
      "weights": {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16, "symmetric": true,
                  "dynamic": false},
      "input_activations": null}},
    "ignore": ["lm_head", "a.router"], "kv_cache_scheme": null})"));
  const auto weights = [](weight_kind kind, int group = 0) {
    return nvq::io::quantization_config(
        whole(scheme(kind, dialect::compressed_tensors, group)))["config_groups"]["group_0"];
  };
  CHECK(weights(weight_kind::mxfp8)["weights"] ==
        nvq::io::json::parse(
            R"({"num_bits": 8, "type": "float", "strategy": "group", "group_size": 32, "symmetric": true,
                                 "dynamic": false, "scale_dtype": "torch.uint8"})"));
  CHECK(weights(weight_kind::fp8_block) ==
        nvq::io::json::parse(R"({"targets": ["Linear"], "format": "float-quantized",
    "weights": {"num_bits": 8, "type": "float", "strategy": "block", "symmetric": true, "dynamic": false,
                "block_structure": [128, 128]},
    "input_activations": {"num_bits": 8, "type": "float", "strategy": "group", "group_size": 128, "symmetric": true,
                          "dynamic": true}})"));
  CHECK(weights(weight_kind::int8_channel)["input_activations"] ==
        nvq::io::json::parse(
            R"({"num_bits": 8, "type": "int", "strategy": "token", "symmetric": true, "dynamic": true})"));
  CHECK(weights(weight_kind::int4_group, 64)["weights"] ==
        nvq::io::json::parse(
            R"({"num_bits": 4, "type": "int", "strategy": "group", "group_size": 64, "symmetric": true,
                                 "dynamic": false})"));
}

TEST_CASE("configuration of modelopt", "[io]") {
  const weight_scheme s = scheme(weight_kind::nvfp4, dialect::modelopt);
  CHECK(nvq::io::second_config(whole(s, {"lm_head"})).content == nvq::io::json::parse(R"({
    "producer": {"name": "nvq", "version": "1.2.3"},
    "quantization": {"quant_algo": "W4A16_NVFP4", "kv_cache_quant_algo": null, "group_size": 16,
                     "exclude_modules": ["lm_head"]}})"));
  CHECK(nvq::io::quantization_config(whole(s, {"lm_head"})) == nvq::io::json::parse(R"({
    "config_groups": {"group_0": {"weights": {"dynamic": false, "num_bits": 4, "type": "float", "group_size": 16},
                                  "targets": ["Linear"]}},
    "ignore": ["lm_head"], "quant_algo": "W4A16_NVFP4", "group_size": 16,
    "producer": {"name": "nvq", "version": "1.2.3"}, "quant_method": "modelopt"})"));
  // Engines require the key even where there is no group.
  const auto row = nvq::io::second_config(whole(scheme(weight_kind::fp8_channel, dialect::modelopt))).content;
  CHECK(row["quantization"]["group_size"].is_null());
}

TEST_CASE("a configuration is recognised as what it was written for", "[io]") {
  int seen = 0;
  for (const dialect owner :
       {dialect::compressed_tensors, dialect::modelopt, dialect::deepseek, dialect::gpt_oss, dialect::gptq,
        dialect::gptq_v2, dialect::awq, dialect::bitsandbytes})
    for (const weight_kind kind : all_kinds)
      for (const bool more : {false, true})
        for (const auto activations :
             {activation_kind::none, activation_kind::dynamic, activation_kind::calibrated}) {
          weight_scheme s = scheme(kind, owner, kind == weight_kind::int4_group ? 64 : 0);
          s.zero_points = more && kind != weight_kind::nf4;
          s.double_quant = more && kind == weight_kind::nf4;
          s.activations = activations;
          if (!nvq::io::check(s)) continue;
          auto written = whole(s, {"lm_head"});
          written.fp8_kv_cache = owner == dialect::compressed_tensors || owner == dialect::modelopt;
          const auto config = nvq::io::quantization_config(written);
          const auto back = nvq::io::parse_quantization_config(config);
          INFO(config.dump());
          INFO(refusal(back));
          REQUIRE(back);
          CHECK(back->owner == owner);
          REQUIRE(back->uses.size() == 1);
          weight_scheme read = back->uses[0].scheme;
          read.owner = owner;
          CHECK(read == s);
          CHECK(back->ignore == std::vector<std::string>{"lm_head"});
          CHECK(back->fp8_kv_cache == written.fp8_kv_cache);
          ++seen;
        }
  CHECK(seen == 35);
}

TEST_CASE("layers of several schemes", "[io]") {
  auto experts = scheme(weight_kind::nvfp4), dense = scheme(weight_kind::fp8_channel);
  nvq::io::quantization q = whole(experts, {"lm_head"});
  q.uses.push_back({dense, {"l.0.q_proj", "l.0.k_proj"}});
  const auto config = nvq::io::quantization_config(q);
  CHECK(config["format"] == "mixed-precision");
  CHECK(config["config_groups"]["group_0"]["targets"] == nvq::io::json({"Linear"}));
  CHECK(config["config_groups"]["group_0"]["format"] == "nvfp4-pack-quantized");
  CHECK(config["config_groups"]["group_1"]["targets"] == nvq::io::json({"l.0.q_proj", "l.0.k_proj"}));
  CHECK(config["config_groups"]["group_1"]["format"] == "float-quantized");
  const auto back = nvq::io::parse_quantization_config(config);
  REQUIRE(back);
  CHECK(back->find("l.0.k_proj")->kind == weight_kind::fp8_channel);
  CHECK(back->find("l.0.experts.0.up_proj")->kind == weight_kind::nvfp4);

  const auto pattern = nvq::io::parse_quantization_config(nvq::io::json::parse(R"({
    "quant_method": "compressed-tensors", "config_groups": {
      "a": {"format": "pack-quantized", "targets": ["re:.*mlp\\..*"],
            "weights": {"num_bits": 4, "strategy": "channel"}},
      "b": {"format": "int-quantized", "targets": ["Linear"],
            "weights": {"num_bits": 8, "strategy": "channel"}}}})"));
  REQUIRE(pattern);
  const auto matches = [](const std::string& p, std::string_view module) {
    CHECK(p == R"(.*mlp\..*)");
    return module == "l.0.mlp.up_proj";
  };
  CHECK(pattern->find("l.0.mlp.up_proj", matches)->kind == weight_kind::int4_channel);
  CHECK(pattern->find("l.0.mlpx.up_proj", matches)->kind == weight_kind::int8_channel);
  CHECK(pattern->find("l.0.mlp.up_proj")->kind == weight_kind::int8_channel);

  experts.owner = dense.owner = dialect::modelopt;
  q.owner = dialect::modelopt;
  q.uses = {{experts, {"l.0.experts.0.up_proj"}}, {dense, {"l.0.q_proj"}}};
  const auto modelopt = nvq::io::second_config(q);
  CHECK(modelopt.file == std::string("hf_quant_config.json"));
  CHECK(modelopt.content["quantization"]["quant_algo"] == "MIXED_PRECISION");
  CHECK(modelopt.content["quantization"]["quantized_layers"] == nvq::io::json::parse(R"({
    "l.0.experts.0.up_proj": {"quant_algo": "W4A16_NVFP4", "group_size": 16},
    "l.0.q_proj": {"quant_algo": "FP8_PER_CHANNEL_PER_TOKEN"}})"));
  for (const auto& form : {modelopt.content, nvq::io::quantization_config(q)}) {
    const auto read = nvq::io::parse_quantization_config(form);
    INFO(refusal(read));
    REQUIRE(read);
    CHECK(*read->find("l.0.q_proj") == dense);
    CHECK(*read->find("l.0.experts.0.up_proj") == experts);
    CHECK(read->find("l.0.o_proj") == nullptr);
  }
}

namespace {

bool ends_with_b(const std::string& pattern, std::string_view module) {
  return pattern == ".*b" && module.back() == 'b';
}

/// Processor time to find the schemes of so many modules that are all named; the least of a few times.
double time_to_find(int modules) {
  nvq::io::quantization q;
  q.uses = {{scheme(weight_kind::fp8_channel), {}}, {scheme(weight_kind::nvfp4), {"last"}}};
  for (int i = 0; i < modules; ++i) q.uses[0].targets.push_back("model.layers." + std::to_string(i));
  double least = 0;
  for (int round = 0; round < 3; ++round) {
    const std::clock_t begin = std::clock();
    const nvq::io::scheme_finder schemes(q);
    int found = 0;
    for (const std::string& name : q.uses[0].targets) found += schemes.find(name) == &q.uses[0].scheme;
    const auto time = static_cast<double>(std::clock() - begin);
    CHECK(found == modules);
    if (round == 0 || time < least) least = time;
  }
  return least;
}

}  // namespace

TEST_CASE("of several targets the first of the narrowest kind counts", "[io]") {
  nvq::io::quantization q;
  // A class, patterns and names in every order, and one of each that comes twice.
  q.uses = {{scheme(weight_kind::fp8_channel), {"Linear", "re:.*b"}},
            {scheme(weight_kind::nvfp4), {"m.b", "m.a"}},
            {scheme(weight_kind::mxfp4), {"m.a", "re:.*b", "Linear"}}};
  const nvq::io::scheme_finder schemes(q);
  const auto kind = [&](const char* module, nvq::io::quantization::matcher matches) {
    const weight_scheme* s = schemes.find(module, matches);
    CHECK(s == q.find(module, matches));
    REQUIRE(s != nullptr);
    return s->kind;
  };
  CHECK(kind("m.a", ends_with_b) == weight_kind::nvfp4);
  CHECK(kind("m.b", ends_with_b) == weight_kind::nvfp4);
  CHECK(kind("n.b", ends_with_b) == weight_kind::fp8_channel);
  CHECK(kind("n.b", nullptr) == weight_kind::fp8_channel);
  q.uses[0].targets = {"re:.*b"};
  q.uses[2].targets.clear();
  const nvq::io::scheme_finder others(q);
  CHECK(others.find("n.a", ends_with_b)->kind == weight_kind::mxfp4);
  CHECK(others.find("n.b", nullptr)->kind == weight_kind::mxfp4);
  q.uses.pop_back();
  CHECK(nvq::io::scheme_finder(q).find("n.a", ends_with_b) == nullptr);
}

TEST_CASE("the time to find many named modules grows with their number alone", "[io]") {
  // 256 times where each is compared with all; 16 times, and what the caches make of it, where it is looked up.
  const double few = time_to_find(5000), many = time_to_find(80000);
  CHECK(many < 128 * few);
}

TEST_CASE("one scheme that not all layers have names them", "[io]") {
  weight_scheme s = scheme(weight_kind::nvfp4);
  s.owner = dialect::modelopt;
  nvq::io::quantization q = whole(s, {"lm_head"});
  q.uses[0].targets = {"l.0.up_proj"};
  for (const auto& form : {nvq::io::second_config(q).content, nvq::io::quantization_config(q)}) {
    INFO(form.dump());
    const auto read = nvq::io::parse_quantization_config(form);
    REQUIRE(read);
    REQUIRE(read->find("l.0.up_proj") != nullptr);
    CHECK(*read->find("l.0.up_proj") == s);
    CHECK(read->find("l.0.q_proj") == nullptr);
  }
}

TEST_CASE("a module ignored twice is told once where names are keys", "[io]") {
  weight_scheme s = scheme(weight_kind::int4_group);
  s.owner = dialect::gptq;
  s.group = 128;
  const auto config = nvq::io::quantization_config(whole(s, {"lm_head", "lm_head"}));
  CHECK(config["dynamic"].dump() == R"({"-:^lm_head$":{}})");
}

TEST_CASE("configurations from elsewhere are refused with their name", "[io]") {
  const auto why = [](const char* text) {
    return refusal(nvq::io::parse_quantization_config(nvq::io::json::parse(text)));
  };
  CHECK(why(R"({"quant_method":"hqq","bits":4})").find("'hqq'") != std::string::npos);
  CHECK(why(R"({"quant_method":"gptq","bits":4,"group_size":-1})").find("group size -1") !=
        std::string::npos);
  // 2^32 + 128
  CHECK(why(R"({"quant_method":"gptq","bits":4,"group_size":4294967424})").find("group size 4294967424") !=
        std::string::npos);
  CHECK(why(R"({"quant_method":"gptq","bits":3})").find("3 bits") != std::string::npos);
  CHECK(why(R"({"quant_method":"fp8"})").find("weight_block_size") != std::string::npos);
  CHECK(why(R"({"quant_method":"modelopt","quant_algo":"W4A16_AWQ"})").find("'W4A16_AWQ'") !=
        std::string::npos);
  CHECK(why(R"([])").find("quant_method ''") != std::string::npos);
  CHECK(why(R"("text")").find("quant_method ''") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors"})").find("config_groups") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","config_groups":{"a":{},"b":{}}})").find("no weights") !=
        std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","config_groups":{"a":[]}})").find("no weights") !=
        std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","format":"nvfp4-pack-quantized",
                "config_groups":{"a":{"weights":{"num_bits":4,"group_size":32}}}})")
            .find("group size 32") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","format":"pack-quantized",
                "config_groups":{"a":{"weights":{"num_bits":4,"group_size":128,"strategy":"channel","symmetric":false}}}})")
            .find("zero points") != std::string::npos);
}
