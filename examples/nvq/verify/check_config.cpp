// SPDX-License-Identifier: Apache-2.0
// V19: the numbers of config.json against the shapes of the tensors.
#include <fmt/format.h>

#include <algorithm>

#include "checks.hpp"
#include "layers.hpp"

namespace app::check {

namespace {

using nvq::io::json;

const Entry* embedding(const Context& x) {
  for (const char* name : {"model.embed_tokens.weight", "model.language_model.embed_tokens.weight",
                           "language_model.model.embed_tokens.weight", "embed_tokens.weight", "embed.weight"})
    if (const Entry* t = x.checkpoint.find(name); t != nullptr && t->shape.size() == 2) return t;
  return nullptr;
}

void check_embedding(Context& x, const json& config) {
  const Entry* t = embedding(x);
  if (t == nullptr || !is_float(t->type)) return;
  const std::int64_t words = number_at(config, "vocab_size"), width = number_at(config, "hidden_size");
  // Embeddings may be padded, never short; a table many times the vocabulary is no padding.
  const std::int64_t padding = words < 128 ? 0 : 1024;
  if (words > 0 && (t->shape[0] < words || t->shape[0] > 2 * words + padding))
    x.findings.error("V19", "vocab_size",
                     fmt::format("{} in config.json; {} has {} rows", words, t->name, t->shape[0]));
  if (width > 0 && t->shape[1] != width)
    x.findings.error("V19", "hidden_size",
                     fmt::format("{} in config.json; {} has {} columns", width, t->name, t->shape[1]));
}

std::int64_t predict_layers(const json& config) {
  return std::max(number_at(config, "num_nextn_predict_layers"), number_at(config, "mtp_num_hidden_layers"));
}

void check_layers(Context& x, const json& config) {
  const std::int64_t declared = number_at(config, "num_hidden_layers");
  if (declared <= 0 || declared > 100000) return;
  std::vector<bool> there(static_cast<std::size_t>(declared), false);
  std::int64_t last = -1;
  for (const auto& [name, m] : x.modules) {
    const std::int64_t n = layer_number(name);
    last = std::max(last, n);
    if (n >= 0 && n < declared) there[static_cast<std::size_t>(n)] = true;
  }
  if (last < 0) return;
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < there.size(); ++i)
    if (!there[i]) missing.push_back(std::to_string(i));
  if (!missing.empty())
    x.findings.error("V19", "num_hidden_layers",
                     fmt::format("{} in config.json; no tensors of layers {}", declared, some_of(missing)));
  const std::int64_t extra = last + 1 - declared;
  const std::int64_t predict = predict_layers(config);
  if (extra > 0 && predict == 0)
    x.findings.warning("V19", "num_hidden_layers",
                       fmt::format("{} in config.json; there are tensors of layer {}", declared, last));
  const bool mtp = std::any_of(x.modules.begin(), x.modules.end(), [](const auto& m) {
    return m.first.rfind("mtp.", 0) == 0 || m.first.find(".mtp.") != std::string::npos;
  });
  if (predict > 0 && extra <= 0 && !mtp)
    x.findings.warning(
        "V12", "mtp",
        fmt::format("config.json has {} layers of multi-token prediction; no tensor of theirs is here",
                    predict));
}

}  // namespace

void check_config(Context& x) {
  if (!x.checkpoint.has_config()) return;
  const json& config = text_config(x.checkpoint.config());
  check_embedding(x, config);
  check_layers(x, config);
}

}  // namespace app::check
