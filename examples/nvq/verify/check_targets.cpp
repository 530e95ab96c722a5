// SPDX-License-Identifier: Apache-2.0
// What single loaders refuse. Facts of 2026-08, from their sources; docs/verify.md names them.
#include <fmt/format.h>

#include <algorithm>

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

void trtllm(Context& x) {
  if (x.declared.method != "modelopt" && x.declared.method != "fp8" && x.declared.method != "mxfp4")
    x.findings.error("N-target", "quant_method",
                     fmt::format("trtllm: reads modelopt, fp8 and mxfp4, not {}", x.declared.method));
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

void llama_cpp(Context& x) {
  if (x.declared.groups.size() > 1 || !x.declared.layers.empty())
    x.findings.error("N-target", "quantization_config",
                     "llama.cpp: cannot convert checkpoints of several formats (llama.cpp#28636)");
  for (const auto& [name, m] : x.modules)
    if (m.declared && m.quantized() && m.declared->kind == Kind::nvfp4 && m.extent.columns % 64 != 0)
      x.findings.error(
          "N-target", name,
          fmt::format("llama.cpp: rows of {} values; its NVFP4 blocks have 64", m.extent.columns));
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
