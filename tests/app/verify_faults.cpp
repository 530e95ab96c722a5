// SPDX-License-Identifier: Apache-2.0
// Every fault, put into a clean checkpoint, is found by the name of its rule and its tensor.
#include <cmath>
#include <limits>
#include <set>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();

const std::string attn = "model.layers.1.self_attn.", mlp = "model.layers.0.mlp.",
                  expert = "model.layers.1.mlp.experts.2.";

struct Fault {
  std::string rule, subject, dialect;
  bool experts;
  std::function<void(Ckpt&)> spoil;
  std::vector<std::string> options = {};
};

void drop(Ckpt& c, const std::string& name) {
  INFO(name);
  REQUIRE(c.tensors.erase(name) == 1);
}

void set_float(Ckpt& c, const std::string& name, float value) {
  std::memcpy(c[name].bytes.data(), &value, 4);
}

void reshape(Ckpt& c, const std::string& name, std::vector<std::int64_t> shape) {
  Raw& t = c[name];
  std::int64_t before = 1, after = 1;
  for (const std::int64_t d : t.shape) before *= d;
  for (const std::int64_t d : shape) after *= d;
  t.bytes.resize(t.bytes.size() * static_cast<std::size_t>(after) / static_cast<std::size_t>(before), '\x44');
  t.shape = std::move(shape);
}

/// Both lists of a ModelOpt checkpoint.
void exclude(Ckpt& c, const json& entries) {
  c.q()["ignore"] = entries;
  c.hf_quant_config["quantization"]["exclude_modules"] = entries;
}

void fill(Raw& t, std::uint8_t byte) { t.bytes.assign(t.bytes.size(), static_cast<char>(byte)); }

void plain_again(Ckpt& c, const std::string& module, std::int64_t rows, std::int64_t columns) {
  for (auto it = c.tensors.begin(); it != c.tensors.end();)
    it = it->first.rfind(module + '.', 0) == 0 ? c.tensors.erase(it) : std::next(it);
  c.tensors[module + ".weight"] = weights("BF16", rows, columns, 1);
}

std::vector<Fault> faults() {
  const std::string mo = "modelopt-nvfp4", ct = "nvfp4-pack-quantized";
  std::vector<Fault> all;
  const auto add = [&](std::string rule, std::string subject, std::string dialect, bool experts,
                       std::function<void(Ckpt&)> spoil, std::vector<std::string> options = {}) {
    all.push_back({std::move(rule), std::move(subject), std::move(dialect), experts, std::move(spoil),
                   std::move(options)});
  };

  // V1: activation scales of dense layers.
  add("V1", attn + "q_proj.input_scale", mo, false, [](Ckpt& c) { drop(c, attn + "q_proj.input_scale"); });
  add("V1", attn + "o_proj.input_scale", mo, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.input_scale", 0); });
  add("V1", attn + "o_proj.input_scale", mo, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.input_scale", nan); });
  add("V1", attn + "o_proj.input_global_scale", ct, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.input_global_scale", inf); });
  add("V1", mlp + "up_proj.input_scale", "modelopt-fp8", false,
      [](Ckpt& c) { drop(c, mlp + "up_proj.input_scale"); });
  add("V1", mlp + "up_proj.input_scale", "float-quantized-channel", false,
      [](Ckpt& c) { c.q()["config_groups"]["group_0"]["input_activations"]["dynamic"] = false; });
  add("V1", expert + "up_proj.input_scale", mo, true, [](Ckpt& c) {
    for (int e = 0; e < 4; ++e)
      drop(c, "model.layers.1.mlp.experts." + std::to_string(e) + ".up_proj.input_scale");
  });

  // V2: some experts.
  add("V2", expert + "gate_proj.input_scale", mo, true,
      [](Ckpt& c) { drop(c, expert + "gate_proj.input_scale"); });
  add("V2", expert + "gate_proj.input_scale", mo, true,
      [](Ckpt& c) { set_float(c, expert + "gate_proj.input_scale", inf); });
  add("V2", expert + "down_proj.input_global_scale", ct, true,
      [](Ckpt& c) { set_float(c, expert + "down_proj.input_global_scale", 0); });
  add("V2", expert + "down_proj", ct, true, [](Ckpt& c) {
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      drop(c, expert + "down_proj." + s);
  });
  add("V2", "model.layers.0.mlp.experts.4.up_proj", ct, true, [](Ckpt& c) { c.config["num_experts"] = 5; });

  // V3: shared scales.
  add("V3", attn + "v_proj.weight_scale_2", mo, false,
      [](Ckpt& c) { set_float(c, attn + "v_proj.weight_scale_2", 0.0002f); });
  add("V3", expert + "up_proj.weight_scale_2", mo, true,
      [](Ckpt& c) { set_float(c, expert + "up_proj.weight_scale_2", 0.0002f); });
  add("V3", mlp + "up_proj.weight_global_scale", ct, false,
      [](Ckpt& c) { set_float(c, mlp + "up_proj.weight_global_scale", 9217); });
  add("V3", attn + "q_proj.input_scale", mo, false,
      [](Ckpt& c) { set_float(c, attn + "q_proj.input_scale", 0.5f); });

  // V4: directions.
  add("V4", attn + "o_proj.weight_scale_2", mo, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_2", 9216); });
  add("V4", attn + "o_proj.weight_global_scale", ct, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight_global_scale", 0.0001f); });
  add("V4", attn + "o_proj.input_global_scale", ct, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.input_global_scale", 0.0039f); });
  add("V4", attn + "o_proj.weight_scale_inv", "deepseek-fp8", false, [](Ckpt& c) {
    c[attn + "o_proj.weight_scale_inv"] = constant("F32", {1, 1}, 5000);
  });

  // V5: bytes of block scales.
  add("V5", attn + "o_proj.weight_scale", mo, false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\x7f'; });
  add("V5", attn + "o_proj.weight_scale", ct, false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\xff'; });
  add("V5", attn + "o_proj.weight_scale", ct, false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\xc4'; });
  add("V5", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[7] = '\xff'; });
  add("V5", attn + "o_proj.weight_scale", mo, false, [](Ckpt& c) {
    std::string& b = c[attn + "o_proj.weight_scale"].bytes;
    b.replace(0, b.size() - 8, b.size() - 8, '\0');
  });
  add("V5", attn + "o_proj.weight_scale", mo, false, [](Ckpt& c) {
    std::string& b = c[attn + "o_proj.weight_scale"].bytes;
    b.replace(0, b.size() - 8, b.size() - 8, '\x7e');
  });

  // V6: shapes and leaked names.
  add("V6", mlp + "down_proj.weight_scale", mo, false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {128, 8});
  });
  add("V6", mlp + "down_proj.weight_scale", "mxfp4-pack-quantized", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {128, 16});
  });
  add("V6", mlp + "down_proj.weight_double_scale", mo, false,
      [](Ckpt& c) { c.tensors[mlp + "down_proj.weight_double_scale"] = scalar(1); });
  add("V6", mlp + "down_proj._double_scale", mo, false,
      [](Ckpt& c) { c.tensors[mlp + "down_proj._double_scale"] = scalar(1); });
  add("V6", mlp + "down_proj.weight_scale_2", ct, false,
      [](Ckpt& c) { c.tensors[mlp + "down_proj.weight_scale_2"] = scalar(0.001f); });
  add("V6", mlp + "down_proj.weight_shape", "pack-quantized", false,
      [](Ckpt& c) { c[mlp + "down_proj.weight_shape"].bytes[8] = '\x10'; });
  add("V6", mlp + "down_proj.scales", "gptq", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.scales", {2, 128});
  });
  add("V6", mlp + "down_proj.weight.absmax", "bitsandbytes", false,
      [](Ckpt& c) { reshape(c, mlp + "down_proj.weight.absmax", {256}); });
  add("V6", mlp + "experts.down_proj_scales", "gpt-oss", false, [](Ckpt& c) {
    reshape(c, mlp + "experts.down_proj_scales", {4, 128, 4});
  });
  add("V6", mlp + "down_proj.weight_scale", "float-quantized-block", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {2, 1});
  });

  // V7: FP8 labelled NVFP4, and other dtypes.
  add("V7", mlp + "up_proj.weight", mo, false, [](Ckpt& c) { c[mlp + "up_proj.weight"].dtype = "F8_E4M3"; });
  add("V7", mlp + "up_proj.weight_scale", mo, false,
      [](Ckpt& c) { c[mlp + "up_proj.weight_scale"].dtype = "U8"; });
  add("V7", mlp + "up_proj.weight", ct, false, [](Ckpt& c) {
    drop(c, mlp + "up_proj.weight_packed");
    c.tensors[mlp + "up_proj.weight"] = random_bytes("F8_E4M3", {256, 128}, 3, 0, 0x7e);
  });

  // V8: experts in BF16.
  add("V8", expert + "down_proj", mo, true, [](Ckpt& c) { plain_again(c, expert + "down_proj", 128, 256); });
  add("V8", "model.layers.0.mlp.experts.gate_up_proj", ct, false, [](Ckpt& c) {
    Raw t = weights("BF16", 64, 64, 1);
    t.shape = {4, 16, 64};
    c.tensors["model.layers.0.mlp.experts.gate_up_proj"] = t;
  });
  add("V8", "model.layers.0.mlp.experts.down_proj", "gpt-oss", false, [](Ckpt& c) {
    drop(c, "model.layers.0.mlp.experts.down_proj_blocks");
    drop(c, "model.layers.0.mlp.experts.down_proj_scales");
    Raw t = weights("BF16", 512, 256, 1);
    t.shape = {4, 128, 256};
    c.tensors["model.layers.0.mlp.experts.down_proj"] = t;
  });

  // V9: the ignore list.
  add("V9", "model.layers.0.linear_attn.in_proj_qkvz", ct, false,
      [](Ckpt& c) { c.q()["ignore"].push_back("model.layers.0.linear_attn.in_proj_qkvz"); });
  add("V9", "re:.*linear_attn.*", ct, false,
      [](Ckpt& c) { c.q()["ignore"].push_back("re:.*linear_attn.*"); });
  add("V9", attn + "o_proj", ct, false, [](Ckpt& c) { plain_again(c, attn + "o_proj", 128, 128); });
  add("V9", attn + "k_proj", ct, false, [](Ckpt& c) {
    plain_again(c, attn + "k_proj", 128, 128);
    c.q()["ignore"].push_back(attn + "k_proj");
  });
  add("V9", "lm_head", ct, false, [](Ckpt& c) { c.q()["ignore"] = json::array(); });
  add("V9", attn + "o_proj", ct, false, [](Ckpt& c) {
    c.q()["config_groups"]["group_0"]["targets"] = {"re:.*mlp.*", "re:.*[qkv]_proj"};
  });
  add("V9", "model.layers.0.mlp.gate", mo, false, [](Ckpt& c) {
    c.tensors["model.layers.0.mlp.gate.weight"] = weights("BF16", 4, 128, 1);
    exclude(c, {"lm_head", "model.layers.0.mlp.gate"});  // a substring of ...mlp.gate_proj
  });

  // V10, V11, V13, V23, V21.
  add("V10", "lm_head.input_scale", mo, false, [](Ckpt& c) { c.tensors["lm_head.input_scale"] = scalar(1); });
  add("V10", attn + "o_proj.weight_packed", ct, false,
      [](Ckpt& c) { c.q()["ignore"].push_back(attn + "o_proj"); });
  add("V11", "lm_head", mo, false, [](Ckpt& c) {
    for (const char* s : {"weight", "weight_scale", "weight_scale_2", "input_scale"})
      c.tensors[std::string("lm_head.") + s] = c[attn + "o_proj." + s];
    exclude(c, json::array());
  });
  add("V11", "mtp.layers.0.mlp.down_proj", mo, false, [](Ckpt& c) {
    for (const char* s : {"weight", "weight_scale", "weight_scale_2", "input_scale"})
      c.tensors[std::string("mtp.layers.0.mlp.down_proj.") + s] = c[mlp + "down_proj." + s];
  });
  add("V11", "mtp.layers.0.mlp.down_proj", mo, false,
      [](Ckpt& c) { c.tensors["mtp.layers.0.mlp.down_proj.weight"] = weights("BF16", 128, 256, 1); });
  add("V11", "lm_head.weight", ct, false, [](Ckpt& c) { drop(c, "lm_head.weight"); });
  add("V13", "model.layers.1.mlp.gate", ct, true, [](Ckpt& c) {
    c.q()["ignore"] = {"lm_head", "model.layers.0.mlp.gate"};
  });
  add("V13", "model.layers.1.mlp.gate", ct, true, [](Ckpt& c) {
    drop(c, "model.layers.1.mlp.gate.weight");
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      c.tensors[std::string("model.layers.1.mlp.gate.") + s] = c[attn + "o_proj." + s];
    c.q()["ignore"] = {"lm_head", "model.layers.0.mlp.gate"};
  });
  add("V23", attn + "q_proj", ct, false, [](Ckpt& c) { c.config["attn_output_gate"] = true; });
  add("V21", attn + "qkv_proj", ct, false, [](Ckpt& c) {
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      c.tensors[attn + "qkv_proj." + s] = c[attn + "o_proj." + s];
  });

  // V12, V19: config.json.
  add("V12", "mtp", ct, false, [](Ckpt& c) { c.config["num_nextn_predict_layers"] = 1; });
  add("V19", "vocab_size", ct, false, [](Ckpt& c) {
    c.config["vocab_size"] = 2;
    c.tensors["model.embed_tokens.weight"] = weights("BF16", 4096, 128, 1);
  });
  add("V19", "vocab_size", ct, false, [](Ckpt& c) { c.config["vocab_size"] = 65; });
  add("V19", "hidden_size", ct, false, [](Ckpt& c) { c.config["hidden_size"] = 64; });
  add("V19", "num_hidden_layers", ct, false, [](Ckpt& c) { c.config["num_hidden_layers"] = 3; });
  add("V19", "num_hidden_layers", ct, false, [](Ckpt& c) { c.config["num_hidden_layers"] = 1; });

  // V14, V15, V24.
  add("V14", attn + "o_proj.qzeros", "gptq", false, [](Ckpt& c) { fill(c[attn + "o_proj.qzeros"], 0x88); });
  add("V14", attn + "o_proj.qzeros", "gptq_v2", false,
      [](Ckpt& c) { fill(c[attn + "o_proj.qzeros"], 0x77); });
  add("V15", attn + "o_proj.weight_scale", "pack-quantized", false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes.replace(2, 2, "\xc0\x7f"); });
  add("V15", attn + "o_proj.weight_scale", "float-quantized-channel", false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes.replace(2, 2, std::string("\x80\x7f")); });
  add("V15", attn + "o_proj.weight_scale_inv", "deepseek-fp8", false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_inv", -1); });
  add("V15", attn + "o_proj.scales", "awq", false,
      [](Ckpt& c) { c[attn + "o_proj.scales"].bytes.replace(2, 2, std::string("\x00\x7e", 2)); });
  add("V15", attn + "o_proj.weight_scale_2", mo, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_2", nan); });
  add("V15", attn + "o_proj.weight_global_scale", ct, false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight_global_scale", 0); });
  add("V15", attn + "o_proj.weight.absmax", "bitsandbytes", false,
      [](Ckpt& c) { set_float(c, attn + "o_proj.weight.absmax", inf); });
  add("V24", "model.layers.0.self_attn.rotary_emb.position", "gptq", false, [](Ckpt& c) {
    c.tensors["model.layers.0.self_attn.rotary_emb.position"] = {"I64", {1}, std::string(8, '\0')};
  });

  // V16: cuts.
  add("V16", mlp + "down_proj", "pack-quantized", false, [](Ckpt&) {}, {"--tp", "8"});
  add("V16", mlp + "up_proj", "deepseek-fp8", false, [](Ckpt&) {}, {"--tp", "1,4"});
  add("V16", attn + "q_proj", ct, false, [](Ckpt&) {}, {"--tp", "3"});
  add("V16", attn + "q_proj", "nvfp4-pack-quantized-a16", false, [](Ckpt&) {},
      {"--tp", "4", "--target", "vllm"});

  // V17: the KV cache.
  const auto kv = [](Ckpt& c, int layer, char which) {
    const std::string k(1, which);
    c.tensors["model.layers." + std::to_string(layer) + ".self_attn." + k + "_proj." + k + "_scale"] =
        scalar(0.01f);
  };
  const auto declare_kv = [](Ckpt& c) {
    c.q()["kv_cache_scheme"] = {{"dynamic", false}, {"num_bits", 8}, {"type", "float"}};
    c.hf_quant_config["quantization"]["kv_cache_quant_algo"] = "FP8";
  };
  add("V17", "model.layers.1.self_attn.v_scale", mo, false, [=](Ckpt& c) {
    declare_kv(c);
    kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k');
  });
  add("V17", "kv_cache", mo, false,
      [=](Ckpt& c) { kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k'), kv(c, 1, 'v'); });
  add("V17", "kv_cache", mo, false, [=](Ckpt& c) { declare_kv(c); });
  add("V17", "model.layers.1.self_attn.v_proj.v_scale", mo, false, [=](Ckpt& c) {
    declare_kv(c);
    kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k'), kv(c, 1, 'v');
    set_float(c, "model.layers.1.self_attn.v_proj.v_scale", nan);
  });

  // V18: configuration.
  const std::string group = "quantization_config.config_groups.group_0";
  add("V18", group + ".weights.rounding", ct, false,
      [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"]["rounding"] = "rne"; });
  add("V18", group + ".zero_point", ct, false, [](Ckpt& c) { c.q()["config_groups"]["group_0"]["zero_point"] = true; });
  add("V18", group, ct, false, [](Ckpt& c) { c.q()["config_groups"]["group_0"]["format"] = "nvfp4"; });
  add("V18", group, ct, false,
      [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"]["group_size"] = 32; });
  add("V18", group + ".targets", ct, false,
      [](Ckpt& c) { c.q()["config_groups"]["group_0"].erase("targets"); });
  add("V18", group + ".weights.scale_dtype", "mxfp8-quantized", false,
      [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"].erase("scale_dtype"); });
  add("V18", "quantization_config.kv_cache_scheme", ct, false, [](Ckpt& c) {
    c.q()["kv_cache_scheme"] = {{"num_bits", 4}, {"type", "int"}};
  });
  add("V18", "hf_quant_config.json: quantization.group_size", mo, false,
      [](Ckpt& c) { c.hf_quant_config["quantization"].erase("group_size"); });
  add("V18", "quant_algo", mo, false,
      [](Ckpt& c) { c.q()["quant_algo"] = c.hf_quant_config["quantization"]["quant_algo"] = "NVFP4_AWQ"; });
  add("V18", "quantized_layers", "modelopt-mixed", false, [](Ckpt& c) {
    c.q().erase("quantized_layers");
    c.hf_quant_config["quantization"].erase("quantized_layers");
  });
  add("V18", "quantization_config.desc_act", "gptq", false, [](Ckpt& c) { c.q().erase("desc_act"); });
  add("V18", "quantization_config.zero_point", "awq", false, [](Ckpt& c) { c.q().erase("zero_point"); });
  add("V18", "quantization_config.weight_block_size", "deepseek-fp8", false,
      [](Ckpt& c) { c.q()["weight_block_size"] = 128; });

  // Named rules.
  add("N-config", "quantization_config.quant_method", ct, false,
      [](Ckpt& c) { c.q()["quant_method"] = "magic"; });
  add("N-config", attn + "o_proj", ct, false, [](Ckpt& c) { c.config.erase("quantization_config"); });
  add("N-mirror", "hf_quant_config.json", mo, false, [](Ckpt& c) { c.hf_quant_config = nullptr; });
  add("N-mirror", "config.json", mo, false, [](Ckpt& c) { c.config.erase("quantization_config"); });
  add("N-mirror", "quant_algo", mo, false,
      [](Ckpt& c) { c.hf_quant_config["quantization"]["quant_algo"] = "FP8"; });
  add("N-mirror", attn + "o_proj", mo, false,
      [](Ckpt& c) { c.hf_quant_config["quantization"]["exclude_modules"].push_back(attn + "o_proj"); });
  add("N-parts", attn + "o_proj.weight_scale", mo, false,
      [](Ckpt& c) { drop(c, attn + "o_proj.weight_scale"); });
  add("N-parts", attn + "o_proj.weight_scale_2", mo, false,
      [](Ckpt& c) { drop(c, attn + "o_proj.weight_scale_2"); });
  add("N-parts", attn + "o_proj.weight_packed", ct, false,
      [](Ckpt& c) { drop(c, attn + "o_proj.weight_packed"); });
  add("N-parts", attn + "o_proj.qweight", "gptq", false, [](Ckpt& c) { drop(c, attn + "o_proj.qweight"); });
  add("N-parts", mlp + "experts.down_proj_scales", "gpt-oss", false,
      [](Ckpt& c) { drop(c, mlp + "experts.down_proj_scales"); });
  add("N-tail", attn + "o_proj", mo, false, [](Ckpt& c) {
    reshape(c, attn + "o_proj.weight", {128, 60});
    reshape(c, attn + "o_proj.weight_scale", {128, 8});
  });
  add("N-dead", expert + "up_proj", mo, true, [](Ckpt& c) { fill(c[expert + "up_proj.weight_scale"], 0); });

  // N-target.
  add("N-target", "quant_method", ct, false, [](Ckpt&) {}, {"--target", "trtllm"});
  add("N-target", "quantization_config", ct, true, [](Ckpt&) {}, {"--target", "transformers"});
  add("N-target", "quantization_config", "two-groups", false, [](Ckpt&) {}, {"--target", "llama.cpp,vllm"});
  add("N-target", attn + "o_proj", ct, false,
      [](Ckpt& c) {
        reshape(c, attn + "o_proj.weight_packed", {128, 48});
        reshape(c, attn + "o_proj.weight_scale", {128, 6});
      },
      {"--target", "llama.cpp"});
  add("N-target", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].dtype = "F8_E8M0"; }, {"--target", "vllm"});
  add("N-target", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
      [](Ckpt& c) { c[attn + "o_proj.weight_scale"].dtype = "F8_E8M0"; }, {"--target", "sglang"});
  add("N-target", "quantization_config.sym", "gptq", false, [](Ckpt& c) { c.q()["sym"] = false; },
      {"--target", "vllm"});
  return all;
}

}  // namespace

TEST_CASE("every fault in tensors and configuration is found by name", "[app][verify]") {
  for (const Fault& f : faults()) {
    Ckpt c = checkpoint_of(f.dialect, f.experts);
    f.spoil(c);
    const Verdict v = examine(c, f.options);
    INFO("expected " << f.rule << ' ' << f.subject << " in " << f.dialect << "; found:\n" << v.all());
    CHECK(v.status == 1);
    CHECK(v.found(f.rule, f.subject));
  }
}

TEST_CASE("a fault has no others in its wake", "[app][verify]") {
  // One finding for one fault, unless the fault really breaks two rules.
  const std::set<std::string> alone = {"V1", "V3", "V4", "V5", "V7", "V14", "V15", "V18", "V23", "N-dead"};
  for (const Fault& f : faults()) {
    if (alone.count(f.rule) == 0) continue;
    Ckpt c = checkpoint_of(f.dialect, f.experts);
    f.spoil(c);
    const Verdict v = examine(c, f.options);
    std::set<std::string> rules;
    for (const json& finding : v.report["findings"]) rules.insert(finding["rule"].get<std::string>());
    INFO(f.rule << ' ' << f.subject << " in " << f.dialect << ":\n" << v.all());
    if (f.rule ==
        "V18") {  // what cannot be parsed leaves layers without a scheme, and a cache without scales
      rules.erase("V9");
      rules.erase("V17");
    }
    CHECK(rules == std::set<std::string>{f.rule});
  }
}
