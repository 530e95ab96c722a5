// SPDX-License-Identifier: Apache-2.0
#include "family.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "failure.hpp"

namespace app {

namespace {

/// Families whose linear layers have the names of layers.cpp, so that what an engine fuses is grouped here.
constexpr std::string_view families[] = {
    "apertus",     "arcee",        "aya_vision",     "cohere",     "cohere2",      "deepseek_v2",
    "deepseek_v3", "deepseek_v32", "dots1",          "ernie4_5",   "ernie4_5_moe", "exaone4",
    "falcon_h1",   "gemma",        "gemma2",         "gemma3",     "gemma3_text",  "gemma3n",
    "gemma4",      "glm",          "glm4",           "glm4_moe",   "gpt_oss",      "granite",
    "granitemoe",  "helium",       "hunyuan_v1_moe", "internlm3",  "internvl",     "jamba",
    "kimi_k2",     "kimi_linear",  "lfm2",           "llama",      "llama4",       "llama4_text",
    "llava",       "llava_next",   "longcat_flash",  "minimax",    "minimax_m2",   "ministral",
    "mistral",     "mistral3",     "mixtral",        "mllama",     "nemotron",     "nemotron_h",
    "olmo",        "olmo2",        "olmo3",          "olmoe",      "phi",          "phi3",
    "phimoe",      "pixtral",      "qwen2",          "qwen2_5_vl", "qwen2_moe",    "qwen2_vl",
    "qwen3",       "qwen3_5",      "qwen3_5_moe",    "qwen3_moe",  "qwen3_next",   "qwen3_omni_moe",
    "qwen3_vl",    "qwen3_vl_moe", "seed_oss",       "smollm3",    "stablelm",     "starcoder2",
};

}  // namespace

void check_family(const nvq::io::json& config, const std::string& told, const std::string& where) {
  const bool named = config.contains("model_type") && config["model_type"].is_string();
  const std::string type = !told.empty() ? told : named ? config["model_type"].get<std::string>() : "";
  if (std::find(std::begin(families), std::end(families), type) != std::end(families)) return;
  const std::string what =
      type.empty() ? "it has no model_type" : fmt::format("model_type '{}' is not known here", type);
  throw Failure(
      fmt::format("{}: {}, so which of its layers engines fuse (and must share a scale) is not, either; if "
                  "its layers are "
                  "named as those of another family, say which: --family llama. Known are {}",
                  where, what, fmt::join(families, ", ")));
}

}  // namespace app
