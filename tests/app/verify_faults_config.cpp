// SPDX-License-Identifier: Apache-2.0
// Faults in lists, configurations, and what loaders make of them.
#include "verify_faults.hpp"

namespace test {

Faults config_faults() {
  const std::string mo = "modelopt-nvfp4", ct = "nvfp4-pack-quantized";
  Faults all;

  // V8: experts in BF16.
  all.add("V8", expert + "down_proj", mo, true,
          [](Ckpt& c) { plain_again(c, expert + "down_proj", 128, 256); });
  all.add("V8", "model.layers.0.mlp.experts.gate_up_proj", ct, false, [](Ckpt& c) {
    Raw t = weights("BF16", 64, 64, 1);
    t.shape = {4, 16, 64};
    c.tensors["model.layers.0.mlp.experts.gate_up_proj"] = t;
  });
  all.add("V8", "model.layers.0.mlp.experts.down_proj", "gpt-oss", false, [](Ckpt& c) {
    drop(c, "model.layers.0.mlp.experts.down_proj_blocks");
    drop(c, "model.layers.0.mlp.experts.down_proj_scales");
    Raw t = weights("BF16", 512, 256, 1);
    t.shape = {4, 128, 256};
    c.tensors["model.layers.0.mlp.experts.down_proj"] = t;
  });

  // V9: the ignore list.
  all.add("V9", "model.layers.0.linear_attn.in_proj_qkvz", ct, false,
          [](Ckpt& c) { c.q()["ignore"].push_back("model.layers.0.linear_attn.in_proj_qkvz"); });
  all.add("V9", "re:.*linear_attn.*", ct, false,
          [](Ckpt& c) { c.q()["ignore"].push_back("re:.*linear_attn.*"); });
  all.add("V9", attn + "o_proj", ct, false, [](Ckpt& c) { plain_again(c, attn + "o_proj", 128, 128); });
  all.add("V9", attn + "k_proj", ct, false, [](Ckpt& c) {
    plain_again(c, attn + "k_proj", 128, 128);
    c.q()["ignore"].push_back(attn + "k_proj");
  });
  all.add("V9", "lm_head", ct, false, [](Ckpt& c) { c.q()["ignore"] = json::array(); });
  all.add("V9", attn + "o_proj", ct, false, [](Ckpt& c) {
    c.q()["config_groups"]["group_0"]["targets"] = {"re:.*mlp.*", "re:.*[qkv]_proj"};
  });
  all.add("V9", "model.layers.0.mlp.gate", mo, false, [](Ckpt& c) {
    c.tensors["model.layers.0.mlp.gate.weight"] = weights("BF16", 4, 128, 1);
    exclude(c, {"lm_head", "model.layers.0.mlp.gate"});  // a substring of ...mlp.gate_proj
  });

  // V10, V11, V13, V23, V21.
  all.add("V10", "lm_head.input_scale", mo, false,
          [](Ckpt& c) { c.tensors["lm_head.input_scale"] = scalar(1); });
  all.add("V10", attn + "o_proj.weight_packed", ct, false,
          [](Ckpt& c) { c.q()["ignore"].push_back(attn + "o_proj"); });
  all.add("V11", "lm_head", mo, false, [](Ckpt& c) {
    for (const char* s : {"weight", "weight_scale", "weight_scale_2", "input_scale"})
      c.tensors[std::string("lm_head.") + s] = c[attn + "o_proj." + s];
    exclude(c, json::array());
  });
  all.add("V11", "mtp.layers.0.mlp.down_proj", mo, false, [](Ckpt& c) {
    for (const char* s : {"weight", "weight_scale", "weight_scale_2", "input_scale"})
      c.tensors[std::string("mtp.layers.0.mlp.down_proj.") + s] = c[mlp + "down_proj." + s];
  });
  all.add("V11", "mtp.layers.0.mlp.down_proj", mo, false,
          [](Ckpt& c) { c.tensors["mtp.layers.0.mlp.down_proj.weight"] = weights("BF16", 128, 256, 1); });
  all.add("V11", "lm_head.weight", ct, false, [](Ckpt& c) { drop(c, "lm_head.weight"); });
  all.add("V13", "model.layers.1.mlp.gate", ct, true, [](Ckpt& c) {
    c.q()["ignore"] = {"lm_head", "model.layers.0.mlp.gate"};
  });
  all.add("V13", "model.layers.1.mlp.gate", ct, true, [](Ckpt& c) {
    drop(c, "model.layers.1.mlp.gate.weight");
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      c.tensors[std::string("model.layers.1.mlp.gate.") + s] = c[attn + "o_proj." + s];
    c.q()["ignore"] = {"lm_head", "model.layers.0.mlp.gate"};
  });
  all.add("V23", attn + "q_proj", ct, false, [](Ckpt& c) { c.config["attn_output_gate"] = true; });
  all.add("V21", attn + "qkv_proj", ct, false, [](Ckpt& c) {
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      c.tensors[attn + "qkv_proj." + s] = c[attn + "o_proj." + s];
  });

  // V12, V19: config.json.
  all.add("V12", "mtp", ct, false, [](Ckpt& c) { c.config["num_nextn_predict_layers"] = 1; });
  all.add("V19", "vocab_size", ct, false, [](Ckpt& c) {
    c.config["vocab_size"] = 2;
    c.tensors["model.embed_tokens.weight"] = weights("BF16", 4096, 128, 1);
  });
  all.add("V19", "vocab_size", ct, false, [](Ckpt& c) { c.config["vocab_size"] = 2; });
  all.add("V19", "vocab_size", ct, false, [](Ckpt& c) { c.config["vocab_size"] = 65; });
  all.add("V19", "hidden_size", ct, false, [](Ckpt& c) { c.config["hidden_size"] = 64; });
  all.add("V19", "num_hidden_layers", ct, false, [](Ckpt& c) { c.config["num_hidden_layers"] = 3; });
  all.add("V19", "num_hidden_layers", ct, false, [](Ckpt& c) { c.config["num_hidden_layers"] = 1; });

  // V16: cuts.
  all.add("V16", mlp + "down_proj", "pack-quantized", false, [](Ckpt&) {}, {"--tp", "8"});
  all.add("V16", mlp + "up_proj", "deepseek-fp8", false, [](Ckpt&) {}, {"--tp", "1,4"});
  all.add("V16", attn + "q_proj", ct, false, [](Ckpt&) {}, {"--tp", "3"});
  all.add("V16", attn + "q_proj", "nvfp4-pack-quantized-a16", false, [](Ckpt&) {},
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
  all.add("V17", "model.layers.1.self_attn.v_scale", mo, false, [=](Ckpt& c) {
    declare_kv(c);
    kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k');
  });
  all.add("V17", "kv_cache", mo, false,
          [=](Ckpt& c) { kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k'), kv(c, 1, 'v'); });
  all.add("V17", "kv_cache", mo, false, [=](Ckpt& c) { declare_kv(c); });
  all.add("V17", "model.layers.1.self_attn.v_proj.v_scale", mo, false, [=](Ckpt& c) {
    declare_kv(c);
    kv(c, 0, 'k'), kv(c, 0, 'v'), kv(c, 1, 'k'), kv(c, 1, 'v');
    set_float(c, "model.layers.1.self_attn.v_proj.v_scale", nan);
  });

  // V18: configuration.
  const std::string group = "quantization_config.config_groups.group_0";
  all.add("V18", group + ".weights.rounding", ct, false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"]["rounding"] = "rne"; });
  all.add("V18", group + ".zero_point", ct, false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"]["zero_point"] = true; });
  all.add("V18", group, ct, false, [](Ckpt& c) { c.q()["config_groups"]["group_0"]["format"] = "nvfp4"; });
  all.add("V18", group, ct, false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"]["group_size"] = 32; });
  all.add("V18", group + ".targets", ct, false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"].erase("targets"); });
  all.add("V18", group + ".weights.scale_dtype", "mxfp8-quantized", false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"]["weights"].erase("scale_dtype"); });
  all.add("V18", "quantization_config.kv_cache_scheme", ct, false, [](Ckpt& c) {
    c.q()["kv_cache_scheme"] = {{"num_bits", 4}, {"type", "int"}};
  });
  all.add("V18", "hf_quant_config.json: quantization.group_size", mo, false,
          [](Ckpt& c) { c.hf_quant_config["quantization"].erase("group_size"); });
  all.add("V18", "quant_algo", mo, false, [](Ckpt& c) {
    c.q()["quant_algo"] = c.hf_quant_config["quantization"]["quant_algo"] = "NVFP4_AWQ";
  });
  all.add("V18", "quantized_layers", "modelopt-mixed", false, [](Ckpt& c) {
    c.q().erase("quantized_layers");
    c.hf_quant_config["quantization"].erase("quantized_layers");
  });
  all.add("V18", "quantization_config.desc_act", "gptq", false, [](Ckpt& c) { c.q().erase("desc_act"); });
  all.add("V18", "quantization_config.zero_point", "awq", false, [](Ckpt& c) { c.q().erase("zero_point"); });
  all.add("V18", "quantization_config.weight_block_size", "deepseek-fp8", false,
          [](Ckpt& c) { c.q()["weight_block_size"] = 128; });

  // Named rules.
  all.add("N-config", "quantization_config.quant_method", ct, false,
          [](Ckpt& c) { c.q()["quant_method"] = "magic"; });
  all.add("N-config", attn + "o_proj", ct, false, [](Ckpt& c) { c.config.erase("quantization_config"); });
  all.add("N-mirror", "hf_quant_config.json", mo, false, [](Ckpt& c) { c.hf_quant_config = nullptr; });
  all.add("N-mirror", "config.json", mo, false, [](Ckpt& c) { c.config.erase("quantization_config"); });
  all.add("N-mirror", "quant_algo", mo, false,
          [](Ckpt& c) { c.hf_quant_config["quantization"]["quant_algo"] = "FP8"; });
  all.add("N-mirror", attn + "o_proj", mo, false,
          [](Ckpt& c) { c.hf_quant_config["quantization"]["exclude_modules"].push_back(attn + "o_proj"); });
  all.add("N-parts", attn + "o_proj.weight_scale", mo, false,
          [](Ckpt& c) { drop(c, attn + "o_proj.weight_scale"); });
  all.add("N-parts", attn + "o_proj.weight_scale_2", mo, false,
          [](Ckpt& c) { drop(c, attn + "o_proj.weight_scale_2"); });
  all.add("N-parts", attn + "o_proj.weight_packed", ct, false,
          [](Ckpt& c) { drop(c, attn + "o_proj.weight_packed"); });
  all.add("N-parts", attn + "o_proj.qweight", "gptq", false,
          [](Ckpt& c) { drop(c, attn + "o_proj.qweight"); });
  all.add("N-parts", mlp + "experts.down_proj_scales", "gpt-oss", false,
          [](Ckpt& c) { drop(c, mlp + "experts.down_proj_scales"); });
  all.add("N-tail", attn + "o_proj", mo, false, [](Ckpt& c) {
    reshape(c, attn + "o_proj.weight", {128, 60});
    reshape(c, attn + "o_proj.weight_scale", {128, 8});
  });
  // What ModelOpt, compressed-tensors and torchao store for an expert of zeros.
  for (const std::uint8_t zeros : {std::uint8_t{0x38}, std::uint8_t{0x20}, std::uint8_t{0x08}})
    all.add("N-dead", expert + "up_proj", mo, true,
            [zeros](Ckpt& c) { fill(c[expert + "up_proj.weight_scale"], zeros); });
  all.add("N-dead", expert + "up_proj", mo, true,
          [](Ckpt& c) { fill(c[expert + "up_proj.weight_scale"], 0); });

  // N-target.
  all.add("N-target", "quant_method", "awq", false, [](Ckpt&) {}, {"--target", "trtllm"});
  for (const char* dialect :
       {"nvfp4-pack-quantized-a16", "int-quantized", "float-quantized-tensor", "pack-quantized"})
    all.add("N-target", "config_groups", dialect, false, [](Ckpt&) {}, {"--target", "trtllm"});
  all.add("N-target", "quantization_config", ct, true, [](Ckpt&) {}, {"--target", "transformers"});
  all.add("N-target", "quantization_config", "two-groups", false, [](Ckpt&) {},
          {"--target", "llama.cpp,vllm"});
  all.add("N-target", attn + "o_proj", ct, false,
          [](Ckpt& c) {
            reshape(c, attn + "o_proj.weight_packed", {128, 48});
            reshape(c, attn + "o_proj.weight_scale", {128, 6});
          },
          {"--target", "llama.cpp"});
  all.add("N-target", "model_type", mo, false, [](Ckpt& c) { c.config["model_type"] = "qwen2"; },
          {"--target", "llama.cpp"});
  all.add("N-target", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].dtype = "F8_E8M0"; }, {"--target", "vllm"});
  all.add("N-target", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].dtype = "F8_E8M0"; }, {"--target", "sglang"});
  all.add("N-target", "quantization_config.sym", "gptq", false, [](Ckpt& c) { c.q()["sym"] = false; },
          {"--target", "vllm"});
  for (const char* loader : {"vllm", "transformers"})
    all.add("N-target", "quantization_config", "mxfp4-pack-quantized", true,
            [](Ckpt& c) { c.config["model_type"] = "gpt_oss"; }, {"--target", loader});
  return all;
}

}  // namespace test
