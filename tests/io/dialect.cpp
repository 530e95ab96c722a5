// SPDX-License-Identifier: Apache-2.0
// The expected names, shapes and JSON are those of compressed-tensors 0.20.0 and Model Optimizer 0.47.0,
// written out.
#include <nvq/io/dialect_json.hpp>
#include <string>

#include "support/catch.hpp"

namespace {

using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;

weight_scheme scheme(weight_kind kind, dialect owner = dialect::compressed_tensors, int group = 0) {
  weight_scheme s;
  s.owner = owner;
  s.kind = kind;
  s.group = group;
  s.dynamic_activations = nvq::io::usual_activations(owner, kind);
  return s;
}

/// "suffix dtype shape" of every part, for a weight of 256 x 384.
std::string parts(const weight_scheme& s, dtype wide = dtype::bf16) {
  std::string text;
  for (const auto& p : nvq::io::parts(s, 256, 384, wide))
    text += std::string(p.suffix) + ' ' + nvq::io::name(p.type) + ' ' + nvq::io::shape_text(p.shape) + "; ";
  return text;
}

std::string refusal(const nvq::io::expected<weight_scheme>& s) { return s ? "" : s.error().message; }

const weight_kind all_kinds[] = {
    weight_kind::nvfp4,      weight_kind::mxfp4,       weight_kind::mxfp6,     weight_kind::mxfp8,
    weight_kind::fp8_tensor, weight_kind::fp8_channel, weight_kind::fp8_block, weight_kind::int8_channel,
    weight_kind::int4_group, weight_kind::int4_channel};

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

TEST_CASE("what a dialect cannot say is refused", "[io]") {
  int accepted = 0;
  for (const weight_kind kind : all_kinds) {
    CHECK(nvq::io::check(scheme(kind)));
    if (nvq::io::check(scheme(kind, dialect::modelopt))) ++accepted;
  }
  CHECK(accepted == 4);
  weight_scheme s = scheme(weight_kind::nvfp4);
  s.dynamic_activations = true;
  CHECK(!nvq::io::check(s));
  s = scheme(weight_kind::fp8_channel, dialect::modelopt);
  s.dynamic_activations = false;
  CHECK(!nvq::io::check(s));
}

TEST_CASE("quantization_config of compressed-tensors", "[io]") {
  const auto config =
      nvq::io::quantization_config(scheme(weight_kind::nvfp4), {"lm_head", "a.router"}, "1.2.3");
  CHECK(config == nvq::io::json::parse(R"({
    "quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "quantization_status": "compressed",
    "config_groups": {"group_0": {"targets": ["Linear"], "format": "nvfp4-pack-quantized",
      "weights": {"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16, "symmetric": true,
                  "dynamic": false},
      "input_activations": null}},
    "ignore": ["lm_head", "a.router"], "kv_cache_scheme": null})"));
  const auto weights = [](weight_kind kind, int group = 0) {
    return nvq::io::quantization_config(scheme(kind, dialect::compressed_tensors, group), {},
                                        "")["config_groups"]["group_0"];
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
  CHECK(nvq::io::hf_quant_config(s, {"lm_head"}, "1.2.3") == nvq::io::json::parse(R"({
    "producer": {"name": "nvq", "version": "1.2.3"},
    "quantization": {"quant_algo": "W4A16_NVFP4", "kv_cache_quant_algo": null, "group_size": 16,
                     "exclude_modules": ["lm_head"]}})"));
  CHECK(nvq::io::quantization_config(s, {"lm_head"}, "1.2.3") == nvq::io::json::parse(R"({
    "config_groups": {"group_0": {"weights": {"dynamic": false, "num_bits": 4, "type": "float", "group_size": 16},
                                  "targets": ["Linear"]}},
    "ignore": ["lm_head"], "quant_algo": "W4A16_NVFP4", "group_size": 16,
    "producer": {"name": "nvq", "version": "1.2.3"}, "quant_method": "modelopt"})"));
  // Engines require the key even where there is no group.
  const auto row = nvq::io::hf_quant_config(scheme(weight_kind::fp8_channel, dialect::modelopt), {}, "");
  CHECK(row["quantization"]["group_size"].is_null());
}

TEST_CASE("a configuration is recognised as what it was written for", "[io]") {
  int seen = 0;
  for (const dialect owner : {dialect::compressed_tensors, dialect::modelopt})
    for (const weight_kind kind : all_kinds) {
      const weight_scheme s = scheme(kind, owner, kind == weight_kind::int4_group ? 64 : 0);
      if (!nvq::io::check(s)) continue;
      const auto back = nvq::io::parse_quantization_config(nvq::io::quantization_config(s, {"lm_head"}, "1"));
      INFO(refusal(back));
      REQUIRE(back);
      CHECK((back->owner == s.owner && back->kind == s.kind && back->group == s.group &&
             back->dynamic_activations == s.dynamic_activations));
      ++seen;
    }
  CHECK(seen == 14);
}

TEST_CASE("configurations from elsewhere are refused with their name", "[io]") {
  const auto why = [](const char* text) {
    return refusal(nvq::io::parse_quantization_config(nvq::io::json::parse(text)));
  };
  CHECK(why(R"({"quant_method":"gptq","bits":4})").find("'gptq'") != std::string::npos);
  CHECK(why(R"({"quant_method":"modelopt","quant_algo":"W4A16_AWQ"})").find("'W4A16_AWQ'") !=
        std::string::npos);
  CHECK(why(R"([])").find("quant_method ''") != std::string::npos);
  CHECK(why(R"("text")").find("quant_method ''") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors"})").find("config_groups") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","config_groups":{"a":{},"b":{}}})").find("mixed") !=
        std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","config_groups":{"a":[]}})").find("no weights") !=
        std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","format":"nvfp4-pack-quantized",
                "config_groups":{"a":{"weights":{"num_bits":4,"group_size":32}}}})")
            .find("group size 32") != std::string::npos);
  CHECK(why(R"({"quant_method":"compressed-tensors","format":"pack-quantized",
                "config_groups":{"a":{"weights":{"num_bits":4,"group_size":128,"strategy":"group","symmetric":false}}}})")
            .find("zero points") != std::string::npos);
}
