// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "verify.hpp"

namespace test {

namespace {

constexpr std::int64_t hidden = 128, inner = 256, experts = 4;

using Maker =
    std::function<void(Ckpt&, const std::string& module, std::int64_t rows, std::int64_t columns, int seed)>;

/// Replaces the weights of all linear layers.
Ckpt quantized(bool moe, const json& config, const Maker& make) {
  Ckpt c = plain_model(moe);
  c.q() = config;
  int seed = 1;
  for (const std::string& module : linear_layers(c)) {
    const Raw weight = c.tensors.at(module + ".weight");
    c.tensors.erase(module + ".weight");
    make(c, module + '.', weight.shape[0], weight.shape[1], seed++);
  }
  return c;
}

json kept(const Ckpt& c) {
  json list = {"lm_head"};
  for (const auto& [name, t] : c.tensors)
    if (name.find("mlp.gate.weight") != std::string::npos) list.push_back(name.substr(0, name.size() - 7));
  return list;
}

json args(int bits, const char* type, const char* strategy, int group = 0) {
  json a = {
      {"num_bits", bits}, {"type", type}, {"strategy", strategy}, {"symmetric", true}, {"dynamic", false}};
  if (group != 0) a["group_size"] = group;
  return a;
}

json ct_config(const char* format, const json& weights, const json& activations, const json& ignore) {
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"quantization_status", "compressed"},
          {"ignore", ignore},
          {"kv_cache_scheme", nullptr},
          {"config_groups",
           {{"group_0",
             {{"targets", {"Linear"}},
              {"format", format},
              {"weights", weights},
              {"input_activations", activations}}}}}};
}

void modelopt(Ckpt& c, const char* algorithm, const json& group_size) {
  const json ignore = kept(c);
  c.q() = {{"quant_method", "modelopt"},
           {"quant_algo", algorithm},
           {"ignore", ignore},
           {"kv_cache_scheme", nullptr},
           {"producer", {{"name", "modelopt"}, {"version", "0.47.0"}}}};
  if (!group_size.is_null()) c.q()["group_size"] = group_size;
  c.hf_quant_config = {{"producer", {{"name", "modelopt"}, {"version", "0.47.0"}}},
                       {"quantization",
                        {{"quant_algo", algorithm},
                         {"kv_cache_quant_algo", nullptr},
                         {"group_size", group_size},
                         {"exclude_modules", ignore}}}};
}

Ckpt nvfp4(const std::string& dialect, bool moe) {
  const bool divides = dialect.rfind("nvfp4-pack", 0) == 0, active = dialect.find("a16") == std::string::npos;
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        to.tensors[m + (divides ? "weight_packed" : "weight")] =
            random_bytes("U8", {rows, columns / 2}, seed);
        to.tensors[m + "weight_scale"] = random_bytes("F8_E4M3", {rows, columns / 16}, seed, 0x40, 0x7E);
        to.tensors[m + (divides ? "weight_global_scale" : "weight_scale_2")] =
            scalar(divides ? 9216.0f : 0.000108506944f, divides);
        if (active)
          to.tensors[m + (divides ? "input_global_scale" : "input_scale")] =
              scalar(divides ? 256.0f : 0.00390625f, divides);
      });
  if (!divides) return modelopt(c, active ? "NVFP4" : "W4A16_NVFP4", 16), c;
  json local = args(4, "float", "tensor_group", 16);
  local["dynamic"] = "local";
  c.q() = ct_config("nvfp4-pack-quantized", args(4, "float", "tensor_group", 16),
                    active ? local : json(nullptr), kept(c));
  return c;
}

Ckpt mx(const std::string& dialect, bool moe) {
  const bool four = dialect == "mxfp4-pack-quantized";
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        if (four)
          to.tensors[m + "weight_packed"] = random_bytes("U8", {rows, columns / 2}, seed);
        else
          to.tensors[m + "weight"] = random_bytes("F8_E4M3", {rows, columns}, seed, 0, 0x7E);
        to.tensors[m + "weight_scale"] = random_bytes("U8", {rows, columns / 32}, seed, 115, 121);
      });
  if (dialect == "modelopt-mxfp8") return modelopt(c, "MXFP8", 32), c;
  json weights = args(four ? 4 : 8, "float", "group", 32);
  if (!four) weights["scale_dtype"] = "torch.uint8";
  c.q() = ct_config(dialect.c_str(), weights, nullptr, kept(c));
  return c;
}

Ckpt fp8(const std::string& dialect, bool moe) {
  const auto is = [&](const char* part) { return dialect.find(part) != std::string::npos; };
  const bool deepseek = dialect == "deepseek-fp8", pb_wo = is("pb_wo"), by_row = is("channel");
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        to.tensors[m + "weight"] = random_bytes("F8_E4M3", {rows, columns}, seed, 0, 0x7E);
        const std::int64_t down = (rows + 127) / 128, across = (columns + 127) / 128;
        Raw& scale = to.tensors[m + (deepseek ? "weight_scale_inv" : "weight_scale")];
        if (deepseek)
          scale = constant("F32", {down, across}, 0.0002f);
        else if (pb_wo)
          scale = constant("F32", {down, 1, across, 1}, 0.0002f);
        else if (is("block"))
          scale = constant("BF16", {down, across}, 0.0002f);
        else if (by_row)
          scale = is("modelopt") ? constant("F32", {rows}, 0.0002f) : constant("BF16", {rows, 1}, 0.0002f);
        else
          scale = scalar(0.0002f, !is("modelopt"));
        if (dialect == "modelopt-fp8" || dialect == "float-quantized-tensor")
          to.tensors[m + "input_scale"] = scalar(0.02f, !is("modelopt"));
      });
  if (dialect == "modelopt-fp8") return modelopt(c, "FP8", nullptr), c;
  if (dialect == "modelopt-fp8-channel") return modelopt(c, "FP8_PER_CHANNEL_PER_TOKEN", nullptr), c;
  if (pb_wo) return modelopt(c, "FP8_PB_WO", 128), c;
  if (deepseek) {
    c.q() = {{"quant_method", "fp8"},
             {"fmt", "e4m3"},
             {"activation_scheme", "dynamic"},
             {"weight_block_size", {128, 128}}};
    return c;
  }
  json weights = args(8, "float", by_row ? "channel" : is("block") ? "block" : "tensor");
  json in = args(8, "float", by_row ? "token" : is("block") ? "group" : "tensor");
  if (is("block")) {
    weights["block_structure"] = {128, 128};
    in["group_size"] = 128;
  }
  in["dynamic"] = by_row || is("block");
  c.q() = ct_config("float-quantized", weights, in, kept(c));
  return c;
}

Ckpt integers(const std::string& dialect, bool moe) {
  const bool packed = dialect.rfind("pack", 0) == 0, zero_points = dialect == "pack-quantized-asym",
             order = dialect == "pack-quantized-g_idx";
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        if (!packed) {
          to.tensors[m + "weight"] = random_bytes("I8", {rows, columns}, seed);
          to.tensors[m + "weight_scale"] = constant("BF16", {rows, 1}, 0.001f);
          return;
        }
        to.tensors[m + "weight_packed"] = random_bytes("I32", {rows, columns / 8}, seed);
        to.tensors[m + "weight_scale"] = constant("BF16", {rows, columns / 64}, 0.01f);
        Raw shape{"I64", {2}, std::string(16, '\0')};
        std::memcpy(shape.bytes.data(), &rows, 8);
        std::memcpy(shape.bytes.data() + 8, &columns, 8);
        to.tensors[m + "weight_shape"] = shape;
        if (zero_points)
          to.tensors[m + "weight_zero_point"] = random_bytes("I32", {rows / 8, columns / 64}, seed);
        if (order) to.tensors[m + "weight_g_idx"] = random_bytes("I32", {columns}, seed, 0, 0);
      });
  json weights = packed ? args(4, "int", "group", 64) : args(8, "int", "channel"), in = nullptr;
  if (zero_points) weights["symmetric"] = false;
  if (order) weights["actorder"] = "group";
  if (!packed) {
    in = args(8, "int", "token");
    in["dynamic"] = true;
  }
  c.q() = ct_config(packed ? "pack-quantized" : "int-quantized", weights, in, kept(c));
  return c;
}

Raw words(std::vector<std::int64_t> shape, std::uint32_t word) {
  Raw t{"I32", shape, {}};
  for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i)
    t.bytes.append(reinterpret_cast<const char*>(&word), 4);
  return t;
}

Ckpt gptq_awq(const std::string& dialect, bool moe) {
  const bool awq = dialect == "awq", v2 = dialect == "gptq_v2";
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        to.tensors[m + "qweight"] =
            random_bytes("I32", awq ? std::vector{columns, rows / 8} : std::vector{columns / 8, rows}, seed);
        to.tensors[m + "scales"] = constant("F16", {columns / 64, rows}, 0.01f);
        to.tensors[m + "qzeros"] = awq ? random_bytes("I32", {columns / 64, rows / 8}, seed)
                                       : words({columns / 64, rows / 8}, v2 ? 0x88888888u : 0x77777777u);
        if (!awq) to.tensors[m + "g_idx"] = random_bytes("I32", {columns}, seed, 0, 0);
      });
  if (awq)
    c.q() = {{"quant_method", "awq"}, {"bits", 4},         {"group_size", 64},
             {"zero_point", true},    {"version", "gemm"}, {"modules_to_not_convert", nullptr}};
  else
    c.q() = {{"quant_method", "gptq"},
             {"bits", 4},
             {"group_size", 64},
             {"desc_act", false},
             {"sym", true},
             {"lm_head", false},
             {"checkpoint_format", v2 ? "gptq_v2" : "gptq"}};
  return c;
}

Ckpt bitsandbytes(bool moe) {
  Ckpt c = quantized(
      moe, {}, [&](Ckpt& to, const std::string& m, std::int64_t rows, std::int64_t columns, int seed) {
        const std::int64_t n = rows * columns;
        to.tensors[m + "weight"] = random_bytes("U8", {n / 2, 1}, seed);
        to.tensors[m + "weight.absmax"] = constant("F32", {n / 64}, 0.05f);
        to.tensors[m + "weight.quant_map"] = constant("F32", {16}, 0.5f);
        const std::string state =
            json{{"quant_type", "nf4"}, {"blocksize", 64}, {"dtype", "bfloat16"}, {"shape", {rows, columns}}}
                .dump();
        to.tensors[m + "weight.quant_state.bitsandbytes__nf4"] = {
            "U8", {static_cast<std::int64_t>(state.size())}, state};
      });
  c.q() = {{"quant_method", "bitsandbytes"},
           {"load_in_4bit", true},
           {"bnb_4bit_quant_type", "nf4"},
           {"bnb_4bit_use_double_quant", false},
           {"llm_int8_skip_modules", nullptr}};
  return c;
}

/// Stacked experts; everything else stays.
Ckpt gptoss() {
  Ckpt c = plain_model();
  for (int l = 0; l < 2; ++l) {
    const std::string mlp = "model.layers." + std::to_string(l) + ".mlp.";
    for (const char* p : {"gate_proj", "up_proj", "down_proj"}) c.tensors.erase(mlp + p + ".weight");
    c.tensors[mlp + "router.weight"] = weights("BF16", experts, hidden, 5);
    for (const auto& [name, rows, columns] :
         {std::tuple{"gate_up_proj", 2 * inner, hidden}, {"down_proj", hidden, inner}}) {
      c.tensors[mlp + "experts." + name + "_blocks"] =
          random_bytes("U8", {experts, rows, columns / 32, 16}, l);
      c.tensors[mlp + "experts." + name + "_scales"] =
          random_bytes("U8", {experts, rows, columns / 32}, l, 115, 121);
      c.tensors[mlp + "experts." + name + "_bias"] = constant("BF16", {experts, rows}, 0.5f);
    }
  }
  c.config["num_local_experts"] = experts;
  c.q() = {{"quant_method", "mxfp4"},
           {"modules_to_not_convert",
            {"model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"}}};
  return c;
}

/// compressed-tensors with two groups: attention in FP8, the rest in NVFP4 without activations.
Ckpt two_groups(bool moe) {
  Ckpt c = nvfp4("nvfp4-pack-quantized-a16", moe);
  const Ckpt other = fp8("float-quantized-channel", moe);
  for (const auto& [name, t] : other.tensors) {
    if (name.find("self_attn") == std::string::npos) continue;
    const std::string module = name.substr(0, name.rfind('.') + 1);
    c.tensors.erase(module + "weight_packed");
    c.tensors.erase(module + "weight_global_scale");
    c.tensors[name] = t;
  }
  json attention = other.config["quantization_config"]["config_groups"]["group_0"];
  attention["targets"] = {"re:.*self_attn.*_proj$"};
  c.q()["config_groups"]["group_1"] = attention;
  c.q()["format"] = "mixed-precision";
  return c;
}

/// ModelOpt with a format per layer: attention in FP8, the rest in W4A16 NVFP4.
Ckpt mixed_precision(bool moe) {
  Ckpt c = nvfp4("modelopt-nvfp4-a16", moe);
  const Ckpt other = fp8("modelopt-fp8", moe);
  json layers = json::object();
  for (const std::string& module : linear_layers(plain_model(moe))) {
    const bool attention = module.find("self_attn") != std::string::npos;
    layers[module] =
        attention ? json{{"quant_algo", "FP8"}} : json{{"quant_algo", "W4A16_NVFP4"}, {"group_size", 16}};
    if (!attention) continue;
    for (const char* suffix : {".weight", ".weight_scale", ".weight_scale_2"})
      c.tensors.erase(module + suffix);
    for (const char* suffix : {".weight", ".weight_scale", ".input_scale"})
      c.tensors[module + suffix] = other.tensors.at(module + suffix);
  }
  modelopt(c, "MIXED_PRECISION", nullptr);
  c.q()["quantized_layers"] = layers;
  c.hf_quant_config["quantization"]["quantized_layers"] = layers;
  return c;
}

}  // namespace

std::vector<std::string> dialect_names() {
  return {"modelopt-nvfp4",
          "modelopt-nvfp4-a16",
          "modelopt-fp8",
          "modelopt-fp8-channel",
          "modelopt-fp8-pb_wo",
          "modelopt-mxfp8",
          "modelopt-mixed",
          "nvfp4-pack-quantized",
          "nvfp4-pack-quantized-a16",
          "mxfp4-pack-quantized",
          "mxfp8-quantized",
          "float-quantized-tensor",
          "float-quantized-channel",
          "float-quantized-block",
          "pack-quantized",
          "pack-quantized-asym",
          "pack-quantized-g_idx",
          "int-quantized",
          "two-groups",
          "deepseek-fp8",
          "gpt-oss",
          "gptq",
          "gptq_v2",
          "awq",
          "bitsandbytes"};
}

Ckpt checkpoint_of(const std::string& d, bool moe) {
  const auto has = [&](const char* part) { return d.find(part) != std::string::npos; };
  if (d == "modelopt-mixed") return mixed_precision(moe);
  if (d == "two-groups") return two_groups(moe);
  if (d == "gpt-oss") return gptoss();
  if (d == "bitsandbytes") return bitsandbytes(moe);
  if (has("gptq") || d == "awq") return gptq_awq(d, moe);
  if (has("nvfp4")) return nvfp4(d, moe);
  if (has("mxfp")) return mx(d, moe);
  if (has("fp8") || has("float")) return fp8(d, moe);
  return integers(d, moe);
}

Ckpt in_order(Ckpt c) {
  std::uint32_t state = 7;
  for (auto& [name, t] : c.tensors) {
    const bool scales = name.find("_proj.weight_scale") != std::string::npos ||
                        name.find("_proj.scales") != std::string::npos;
    for (std::size_t i = 0; scales && i < t.bytes.size(); i += 2) {
      state = state * 1664525u + 1013904223u;
      t.bytes[i] = static_cast<char>(state >> 24);
    }
    if (name.find("g_idx") == std::string::npos) continue;
    for (std::int32_t i = 0; i < t.shape[0]; ++i) {
      const std::int32_t g = i / 64;
      std::memcpy(t.bytes.data() + 4 * i, &g, 4);
    }
  }
  return c;
}

}  // namespace test
