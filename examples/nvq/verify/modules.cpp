// SPDX-License-Identifier: Apache-2.0
#include "modules.hpp"

#include <algorithm>
#include <charconv>

namespace app::check {

namespace {

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// gate_up_proj_blocks and the like.
bool split_stacked(const std::string& tensor, std::pair<std::string, std::string>& result) {
  for (const std::string_view suffix : {"_blocks", "_scales", "_bias"})
    for (const std::string_view stem : {"gate_up_proj", "down_proj"})
      if (ends_with(tensor, std::string(stem) + std::string(suffix))) {
        result = {tensor.substr(0, tensor.size() - suffix.size()), std::string(suffix)};
        return true;
      }
  return false;
}

}  // namespace

std::pair<std::string, std::string> split_name(const std::string& tensor) {
  std::pair<std::string, std::string> result;
  if (split_stacked(tensor, result)) return result;
  const auto companion = tensor.find(".weight.");
  if (companion != std::string::npos) return {tensor.substr(0, companion), tensor.substr(companion + 1)};
  const auto dot = tensor.rfind('.');
  if (dot == std::string::npos) return {tensor, ""};
  // Matrices without ".weight" (stacked experts, position tables) are modules of their own.
  std::string last = tensor.substr(dot + 1);
  if (ends_with(last, "_proj")) return {tensor, ""};
  return {tensor.substr(0, dot), std::move(last)};
}

bool Module::quantized() const {
  for (const auto& [suffix, tensor] : parts) {
    if (is_quantization_suffix(suffix)) return true;
    if (suffix == "weight" && !is_float(tensor->type)) return true;
  }
  return false;
}

const Entry* Module::plain_weight() const {
  const Entry* t = part("weight");
  if (t == nullptr) t = part("");
  return t != nullptr && is_float(t->type) && (t->shape.size() == 2 || t->shape.size() == 3) ? t : nullptr;
}

std::map<std::string, Module> modules_of(const Snapshot& c, const Declaration& d) {
  std::map<std::string, Module> all;
  for (const auto& [name, t] : c.tensors()) {
    auto [module, suffix] = split_name(name);
    Module& m = all[module];
    m.name = module;
    m.parts.emplace(std::move(suffix), &t);
  }
  const SchemeTable schemes(d);
  for (auto& [name, m] : all) m.declared = schemes.find(name);
  return all;
}

std::optional<ExpertName> expert_name(std::string_view module) {
  constexpr std::string_view experts = ".experts.";
  const auto at = module.find(experts);
  if (at == std::string_view::npos) return std::nullopt;
  const auto begin = at + experts.size(), end = module.find('.', begin);
  if (end == std::string_view::npos) return std::nullopt;
  ExpertName e{std::string(module.substr(0, begin)) + '*' + std::string(module.substr(end)), 0};
  const auto parsed = std::from_chars(module.data() + begin, module.data() + end, e.number);
  if (parsed.ec != std::errc() || parsed.ptr != module.data() + end) return std::nullopt;
  return e;
}

}  // namespace app::check
