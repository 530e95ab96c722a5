// SPDX-License-Identifier: Apache-2.0
// What single loaders refuse. Facts of 2026-08, from their sources; docs/verify.md names them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "checks.hpp"

namespace app::check {

namespace {

bool any_kind(const Context& x, Kind kind) {
  return std::any_of(x.modules.begin(), x.modules.end(), [&](const auto& m) {
    return m.second.declared && m.second.quantized() && m.second.declared->kind == kind;
  });
}

bool any_expert(const Context& x) {
  return std::any_of(x.modules.begin(), x.modules.end(),
                     [](const auto& m) { return m.second.quantized() && expert_name(m.first).has_value(); });
}

/// GPT-OSS as llm-compressor writes it, with a module for each projection of an expert.
void gpt_oss_modules(Context& x, const char* loader) {
  if (text_at(x.checkpoint.config(), "model_type") == "gpt_oss" && any_expert(x))
    x.findings.error(
        "N-target", "quantization_config",
        fmt::format("{}: passes over experts of GPT-OSS that are modules of their own; `nvq convert --to "
                    "gpt-oss` stacks them",
                    loader));
}

void vllm(Context& x) {
  gpt_oss_modules(x, "vllm");
  for (const auto& [name, t] : x.checkpoint.tensors())
    if (t.type == nvq::io::dtype::f8_e8m0 && x.declared.method != "fp8")
      x.findings.error("N-target", name, "vllm: F8_E8M0 is copied by value into U8 parameters; store U8");
  if (x.declared.method == "gptq")
    for (const SchemeGroup& g : x.declared.groups)
      if (!g.scheme.symmetric)
        x.findings.error("N-target", "quantization_config.sym", "vllm: reads symmetric GPTQ only");
}

/// What TensorRT-LLM makes of a group of compressed-tensors (`quant_config_utils.py`, #10796, #15415).
const char* trtllm_refuses(const Scheme& s) {
  switch (s.kind) {
    case Kind::nvfp4:
      return s.activations == Activations::none ? "takes NVFP4 with quantized activations only" : nullptr;
    case Kind::fp8_channel:
    case Kind::fp8_block:
      return s.activations == Activations::none ? "takes FP8 with quantized activations only" : nullptr;
    case Kind::mxfp4:
      return s.activations == Activations::none ? nullptr : "takes MXFP4 without quantized activations only";
    case Kind::int8:
      return "takes 8-bit integers for FP8";
    default:
      return "takes NVFP4, MXFP4, and FP8 with a scale per row or tile only";
  }
}

void trtllm(Context& x) {
  const std::string& method = x.declared.method;
  if (method == "compressed-tensors") {
    for (const SchemeGroup& g : x.declared.groups)
      if (const char* why = trtllm_refuses(g.scheme); why != nullptr)
        x.findings.error("N-target", "config_groups",
                         fmt::format("trtllm: of compressed-tensors it {}", why));
    if (x.declared.groups.size() > 1)
      x.findings.warning("N-target", "config_groups", "trtllm: only its newest releases read several groups");
  } else if (method != "modelopt" && method != "fp8" && method != "mxfp4") {
    x.findings.error(
        "N-target", "quant_method",
        fmt::format("trtllm: reads modelopt, compressed-tensors, fp8 and mxfp4, not {}", method));
  }
}

void sglang(Context& x) {
  for (const auto& [name, t] : x.checkpoint.tensors())
    if (t.type == nvq::io::dtype::f8_e8m0)
      x.findings.warning("N-target", name,
                         "sglang: older releases convert F8_E8M0 by value (sglang#26701); store U8");
}

void transformers(Context& x) {
  gpt_oss_modules(x, "transformers");
  if (x.declared.method == "compressed-tensors" && any_kind(x, Kind::nvfp4) && any_expert(x))
    x.findings.error("N-target", "quantization_config",
                     "transformers: drops weight_global_scale of experts (transformers#48371)");
  if (x.declared.method == "modelopt")
    x.findings.warning("N-target", "quantization_config",
                       "transformers: reads modelopt's NVFP4 since 5.16, on GPUs only");
}

/// Whether llama.cpp multiplies the products of feed-forward layers by NVFP4's tensor scale. It reads that scale for every
/// architecture but hands it on in these only; found in the graphs of llama-cpp-python 0.3.36, and seen: Qwen2, Qwen2-MoE,
/// OLMo2 and DeepSeek-V3 answer NaN, Llama, Qwen3 and Qwen3-MoE are right (tests/clients/llama_cpp_engine_client.py).
bool llama_cpp_scales(std::string_view family) {
  static constexpr std::array<std::string_view, 20> does = {
      "llama",      "mistral",      "mixtral",     "mistral3",    "ministral3", "internlm3",   "qwen3",
      "qwen3_moe",  "qwen3_next",   "qwen3_5",     "qwen3_5_moe", "cohere2",    "cohere2_moe", "gemma4",
      "nemotron_h", "deepseek_v32", "glm_moe_dsa", "hy_v3",       "bitnet",     "nanbeige"};
  if (family.size() > 5 && family.substr(family.size() - 5) == "_text") family.remove_suffix(5);
  return std::find(does.begin(), does.end(), family) != does.end();
}

void llama_cpp(Context& x) {
  if (x.declared.groups.size() > 1 || !x.declared.layers.empty())
    x.findings.error("N-target", "quantization_config",
                     "llama.cpp: cannot convert checkpoints of several formats (llama.cpp#28636)");
  for (const auto& [name, m] : x.modules)
    if (m.declared && m.quantized() && m.declared->kind == Kind::nvfp4 && m.extent.columns % 64 != 0)
      x.findings.error(
          "N-target", name,
          fmt::format("llama.cpp: rows of {} values; its NVFP4 blocks have 64", m.extent.columns));
  const std::string family = text_at(text_config(x.checkpoint.config()), "model_type");
  if (!family.empty() && any_kind(x, Kind::nvfp4) && !llama_cpp_scales(family))
    x.findings.error(
        "N-target", "model_type",
        fmt::format(
            "llama.cpp: leaves NVFP4's tensor scales of feed-forward layers out in models of type {}, "
            "and answers NaN",
            family));
}

}  // namespace

const std::vector<std::string>& known_targets() {
  static const std::vector<std::string> all = {"vllm", "trtllm", "sglang", "transformers", "llama.cpp"};
  return all;
}

void check_targets(Context& x) {
  if (x.wants("vllm")) vllm(x);
  if (x.wants("trtllm")) trtllm(x);
  if (x.wants("sglang")) sglang(x);
  if (x.wants("transformers")) transformers(x);
  if (x.wants("llama.cpp")) llama_cpp(x);
}

}  // namespace app::check
