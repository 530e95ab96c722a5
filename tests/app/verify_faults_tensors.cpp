// SPDX-License-Identifier: Apache-2.0
// Faults in tensors.
#include "verify_faults.hpp"

namespace test {

Faults tensor_faults() {
  const std::string mo = "modelopt-nvfp4", ct = "nvfp4-pack-quantized";
  Faults all;

  // V1: activation scales of dense layers.
  all.add("V1", attn + "q_proj.input_scale", mo, false,
          [](Ckpt& c) { drop(c, attn + "q_proj.input_scale"); });
  all.add("V1", attn + "o_proj.input_scale", mo, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.input_scale", 0); });
  all.add("V1", attn + "o_proj.input_scale", mo, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.input_scale", nan); });
  all.add("V1", attn + "o_proj.input_global_scale", ct, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.input_global_scale", inf); });
  all.add("V1", mlp + "up_proj.input_scale", "modelopt-fp8", false,
          [](Ckpt& c) { drop(c, mlp + "up_proj.input_scale"); });
  all.add("V1", mlp + "up_proj.input_scale", "float-quantized-channel", false,
          [](Ckpt& c) { c.q()["config_groups"]["group_0"]["input_activations"]["dynamic"] = false; });
  all.add("V1", expert + "up_proj.input_scale", mo, true, [](Ckpt& c) {
    for (int e = 0; e < 4; ++e)
      drop(c, "model.layers.1.mlp.experts." + std::to_string(e) + ".up_proj.input_scale");
  });

  // V2: some experts.
  all.add("V2", expert + "gate_proj.input_scale", mo, true,
          [](Ckpt& c) { drop(c, expert + "gate_proj.input_scale"); });
  all.add("V2", expert + "gate_proj.input_scale", mo, true,
          [](Ckpt& c) { set_float(c, expert + "gate_proj.input_scale", inf); });
  all.add("V2", expert + "down_proj.input_global_scale", ct, true,
          [](Ckpt& c) { set_float(c, expert + "down_proj.input_global_scale", 0); });
  all.add("V2", expert + "down_proj", ct, true, [](Ckpt& c) {
    for (const char* s : {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
      drop(c, expert + "down_proj." + s);
  });
  all.add("V2", "model.layers.0.mlp.experts.4.up_proj", ct, true,
          [](Ckpt& c) { c.config["num_experts"] = 5; });

  // V3: shared scales.
  all.add("V3", attn + "v_proj.weight_scale_2", mo, false,
          [](Ckpt& c) { set_float(c, attn + "v_proj.weight_scale_2", 0.0002f); });
  all.add("V3", expert + "up_proj.weight_scale_2", mo, true,
          [](Ckpt& c) { set_float(c, expert + "up_proj.weight_scale_2", 0.0002f); });
  all.add("V3", mlp + "up_proj.weight_global_scale", ct, false,
          [](Ckpt& c) { set_float(c, mlp + "up_proj.weight_global_scale", 9217); });
  all.add("V3", attn + "q_proj.input_scale", mo, false,
          [](Ckpt& c) { set_float(c, attn + "q_proj.input_scale", 0.5f); });

  // V4: directions.
  all.add("V4", attn + "o_proj.weight_scale_2", mo, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_2", 9216); });
  all.add("V4", attn + "o_proj.weight_global_scale", ct, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight_global_scale", 0.0001f); });
  all.add("V4", attn + "o_proj.input_global_scale", ct, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.input_global_scale", 0.0039f); });
  all.add("V4", attn + "o_proj.weight_scale_inv", "deepseek-fp8", false, [](Ckpt& c) {
    c[attn + "o_proj.weight_scale_inv"] = constant("F32", {1, 1}, 5000);
  });

  // V5: bytes of block scales.
  all.add("V5", attn + "o_proj.weight_scale", mo, false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\x7f'; });
  all.add("V5", attn + "o_proj.weight_scale", ct, false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\xff'; });
  all.add("V5", attn + "o_proj.weight_scale", ct, false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[37] = '\xc4'; });
  all.add("V5", attn + "o_proj.weight_scale", "mxfp4-pack-quantized", false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes[7] = '\xff'; });
  all.add("V5", attn + "o_proj.weight_scale", mo, false, [](Ckpt& c) {
    std::string& b = c[attn + "o_proj.weight_scale"].bytes;
    b.replace(0, b.size() - 8, b.size() - 8, '\0');
  });
  all.add("V5", attn + "o_proj.weight_scale", mo, false, [](Ckpt& c) {
    std::string& b = c[attn + "o_proj.weight_scale"].bytes;
    b.replace(0, b.size() - 8, b.size() - 8, '\x7e');
  });

  // V6: shapes and leaked names.
  all.add("V6", mlp + "down_proj.weight_scale", mo, false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {128, 8});
  });
  all.add("V6", mlp + "down_proj.weight_scale", "mxfp4-pack-quantized", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {128, 16});
  });
  all.add("V6", mlp + "down_proj.weight_double_scale", mo, false,
          [](Ckpt& c) { c.tensors[mlp + "down_proj.weight_double_scale"] = scalar(1); });
  all.add("V6", mlp + "down_proj._double_scale", mo, false,
          [](Ckpt& c) { c.tensors[mlp + "down_proj._double_scale"] = scalar(1); });
  all.add("V6", mlp + "down_proj.weight_scale_2", ct, false,
          [](Ckpt& c) { c.tensors[mlp + "down_proj.weight_scale_2"] = scalar(0.001f); });
  all.add("V6", mlp + "down_proj.weight_shape", "pack-quantized", false,
          [](Ckpt& c) { c[mlp + "down_proj.weight_shape"].bytes[8] = '\x10'; });
  all.add("V6", mlp + "down_proj.scales", "gptq", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.scales", {2, 128});
  });
  all.add("V6", mlp + "down_proj.weight.absmax", "bitsandbytes", false,
          [](Ckpt& c) { reshape(c, mlp + "down_proj.weight.absmax", {256}); });
  all.add("V6", mlp + "experts.down_proj_scales", "gpt-oss", false, [](Ckpt& c) {
    reshape(c, mlp + "experts.down_proj_scales", {4, 128, 4});
  });
  all.add("V6", mlp + "down_proj.weight_scale", "float-quantized-block", false, [](Ckpt& c) {
    reshape(c, mlp + "down_proj.weight_scale", {2, 1});
  });

  // V7: FP8 labelled NVFP4, and other dtypes.
  all.add("V7", mlp + "up_proj.weight", mo, false,
          [](Ckpt& c) { c[mlp + "up_proj.weight"].dtype = "F8_E4M3"; });
  all.add("V7", mlp + "up_proj.weight_scale", mo, false,
          [](Ckpt& c) { c[mlp + "up_proj.weight_scale"].dtype = "U8"; });
  all.add("V7", mlp + "up_proj.weight", ct, false, [](Ckpt& c) {
    drop(c, mlp + "up_proj.weight_packed");
    c.tensors[mlp + "up_proj.weight"] = random_bytes("F8_E4M3", {256, 128}, 3, 0, 0x7e);
  });

  // V14, V15, V24.
  all.add("V14", attn + "o_proj.qzeros", "gptq", false,
          [](Ckpt& c) { fill(c[attn + "o_proj.qzeros"], 0x88); });
  all.add("V14", attn + "o_proj.qzeros", "gptq_v2", false,
          [](Ckpt& c) { fill(c[attn + "o_proj.qzeros"], 0x77); });
  all.add("V15", attn + "o_proj.weight_scale", "pack-quantized", false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes.replace(2, 2, "\xc0\x7f"); });
  all.add("V15", attn + "o_proj.weight_scale", "float-quantized-channel", false,
          [](Ckpt& c) { c[attn + "o_proj.weight_scale"].bytes.replace(2, 2, std::string("\x80\x7f")); });
  all.add("V15", attn + "o_proj.weight_scale_inv", "deepseek-fp8", false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_inv", -1); });
  all.add("V15", attn + "o_proj.scales", "awq", false,
          [](Ckpt& c) { c[attn + "o_proj.scales"].bytes.replace(2, 2, std::string("\x00\x7e", 2)); });
  all.add("V15", attn + "o_proj.weight_scale_2", mo, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight_scale_2", nan); });
  all.add("V15", attn + "o_proj.weight_global_scale", ct, false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight_global_scale", 0); });
  all.add("V15", attn + "o_proj.weight.absmax", "bitsandbytes", false,
          [](Ckpt& c) { set_float(c, attn + "o_proj.weight.absmax", inf); });
  all.add("V24", "model.layers.0.self_attn.rotary_emb.position", "gptq", false, [](Ckpt& c) {
    c.tensors["model.layers.0.self_attn.rotary_emb.position"] = {"I64", {1}, std::string(8, '\0')};
  });

  return all;
}

}  // namespace test
