// SPDX-License-Identifier: Apache-2.0
// compressed-tensors: quantization_config with config_groups, targets and ignore.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "declared.hpp"

namespace app::check {

namespace {

using nvq::io::json;

// Fields of its pydantic models (compressed-tensors 0.20, quantization/quant_scheme.py and quant_args.py), which
// refuse any other. The configuration around them ignores what it does not know.
constexpr std::string_view scheme_keys[] = {"targets", "weights", "input_activations", "output_activations",
                                            "format"};
constexpr std::string_view args_keys[] = {
    "num_bits", "type",     "symmetric", "group_size",      "strategy",    "block_structure",
    "dynamic",  "actorder", "observer",  "observer_kwargs", "scale_dtype", "zp_dtype"};

template <class Keys>
void check_keys(const json& object, const Keys& known, const std::string& where, Findings& findings) {
  for (const auto& item : object.items())
    if (std::find(std::begin(known), std::end(known), item.key()) == std::end(known))
      findings.error("V18", where + "." + item.key(), "no such key in compressed-tensors");
}

Activations activations_of(const json& group) {
  const json& a = object_at(group, "input_activations");
  if (a.empty()) return Activations::none;
  // "local" quantizes blocks as it goes, under a tensor scale that is calibrated.
  if (text_at(a, "dynamic") == "local") return Activations::fixed;
  return true_at(a, "dynamic") ? Activations::dynamic : Activations::fixed;
}

/// A scheme from the arguments of a group's weights; nothing and a finding when they make none.
std::optional<Scheme> scheme_from(const json& group, const std::string& config_format,
                                  const std::string& where, Findings& findings) {
  const json& w = object_at(group, "weights");
  if (w.empty()) return std::nullopt;  // only activations or nothing: the layers keep their weights
  std::string format = text_at(group, "format");
  if (format.empty() || format == "mixed-precision") format = config_format;
  const std::string type = text_at(w, "type"), strategy = text_at(w, "strategy");
  const std::int64_t bits = number_at(w, "num_bits", 8), size = number_at(w, "group_size");
  Scheme s;
  s.names = Names::compressed_tensors;
  s.bits = static_cast<int>(bits);
  s.symmetric = !w.contains("symmetric") || !w["symmetric"].is_boolean() || true_at(w, "symmetric");
  s.activations = activations_of(group);
  s.group = strategy == "group" || strategy == "tensor_group" ? std::min(size, largest_block()) : 0;
  s.per_tensor = strategy == "tensor";
  s.label = format;

  const auto refuse = [&](const std::string& why) -> std::optional<Scheme> {
    findings.error("V18", where, fmt::format("format '{}': {}", format, why));
    return std::nullopt;
  };
  const auto described =
      fmt::format("{} bits of {}, strategy '{}', group size {}", bits, type, strategy, size);
  if (format == "nvfp4-pack-quantized") {
    s.kind = Kind::nvfp4;
    if (bits != 4 || type != "float" || size != 16)
      return refuse("NVFP4 is 4 bits of float in groups of 16, not " + described);
    return s;
  }
  if (format == "mxfp4-pack-quantized" || format == "mxfp6-pack-quantized" || format == "mxfp8-quantized") {
    s.kind = format[4] == '4' ? Kind::mxfp4 : format[4] == '6' ? Kind::mxfp6 : Kind::mxfp8;
    if (bits != format[4] - '0' || type != "float" || size != 32)
      return refuse("it is float in groups of 32, not " + described);
    if (s.kind == Kind::mxfp8 && text_at(w, "scale_dtype").find("uint8") == std::string::npos)
      findings.warning("V18", where + ".weights.scale_dtype",
                       "missing; vLLM tells MXFP8 from other 8-bit floats by \"torch.uint8\" here");
    return s;
  }
  if (format == "float-quantized" || (format == "naive-quantized" && type == "float")) {
    if (bits != 8 || type != "float") return refuse("it is 8 bits of float, not " + described);
    if (strategy == "tensor") return s.kind = Kind::fp8_tensor, s;
    if (strategy == "channel") return s.kind = Kind::fp8_channel, s;
    if (strategy == "block") {
      s.kind = Kind::fp8_block;
      const auto block = w.find("block_structure");
      if (block == w.end() || !block->is_array() || block->size() != 2 || !(*block)[0].is_number_integer() ||
          !(*block)[1].is_number_integer() || (*block)[0].get<std::int64_t>() < 1 ||
          (*block)[1].get<std::int64_t>() < 1)
        return refuse("strategy 'block' needs block_structure [rows, columns]");
      s.tile_rows = std::min((*block)[0].get<std::int64_t>(), largest_block());
      s.tile_columns = std::min((*block)[1].get<std::int64_t>(), largest_block());
      return s;
    }
    return refuse("no such strategy for FP8 weights: " + described);
  }
  if (format == "int-quantized" || (format == "naive-quantized" && type == "int")) {
    if (bits != 8 || type != "int") return refuse("it is 8 bits of int, not " + described);
    return s.kind = Kind::int8, s;
  }
  if (format == "pack-quantized") {
    if (type != "int" || bits < 2 || bits > 8) return refuse("it is 2 to 8 bits of int, not " + described);
    if (strategy == "group" && size <= 0) return refuse("strategy 'group' needs a group_size");
    return s.kind = Kind::int_packed, s;
  }
  if (format == "dense") return std::nullopt;
  return refuse("engines know no such format");
}

}  // namespace

void declare_compressed_tensors(const json& q, Declaration& d, Findings& findings) {
  const std::string top = "quantization_config";
  d.matching = Matching::exact_or_regex;
  d.every_linear = true;
  d.ignore = strings_at(q, "ignore");
  d.ignore_key = "ignore";
  d.kv_cache = !object_at(q, "kv_cache_scheme").empty();
  d.kv_cache_dynamic = true_at(object_at(q, "kv_cache_scheme"), "dynamic");
  for (const char* key : {"quant_method", "format", "config_groups"})
    if (!q.contains(key)) findings.error("V18", top + "." + key, "missing");
  if (d.kv_cache) {
    const json& kv = object_at(q, "kv_cache_scheme");
    check_keys(kv, args_keys, top + ".kv_cache_scheme", findings);
    if (text_at(kv, "type") != "float" || number_at(kv, "num_bits") != 8 ||
        (kv.contains("symmetric") && kv["symmetric"] == false))
      findings.error("V18", top + ".kv_cache_scheme", "vLLM takes 8 bits of symmetric float only");
  }
  const json& groups = object_at(q, "config_groups");
  if (groups.empty() && q.contains("config_groups"))
    findings.error("V18", top + ".config_groups", "no groups in it");
  for (const auto& item : groups.items()) {
    const std::string where = top + ".config_groups." + item.key();
    if (!item.value().is_object()) {
      findings.error("V18", where, "it is not an object");
      continue;
    }
    check_keys(item.value(), scheme_keys, where, findings);
    for (const char* args : {"weights", "input_activations", "output_activations"})
      check_keys(object_at(item.value(), args), args_keys, where + "." + args, findings);
    SchemeGroup g;
    g.targets = strings_at(item.value(), "targets");
    if (g.targets.empty())
      findings.error("V18", where + ".targets", "missing or empty: it applies to nothing");
    const auto scheme = scheme_from(item.value(), text_at(q, "format"), where, findings);
    if (!scheme || g.targets.empty()) continue;
    g.scheme = *scheme;
    d.groups.push_back(std::move(g));
  }
}

}  // namespace app::check
