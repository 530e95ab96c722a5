// SPDX-License-Identifier: Apache-2.0
// Repairs of config.json and hf_quant_config.json.
#include <fmt/format.h>

#include <algorithm>

#include "fix.hpp"
#include "source.hpp"

namespace app::check {

namespace {

using nvq::io::json;

constexpr auto nested_file = "hf_quant_config.json";

void write_json(const Opened& c, const char* name, const json& document) {
  Replacement files(c.checkpoint.directory());
  files.text(name, nvq::io::dump_json(document));
  files.commit();
}

/// The nested form of a flat configuration.
json nested_of(const json& q) {
  json nested = {{"producer", q.contains("producer") ? q["producer"] : json{{"name", "nvq"}}}};
  json inner = {{"quant_algo", text_at(q, "quant_algo")}};
  const json& kv = object_at(q, "kv_cache_scheme");
  inner["kv_cache_quant_algo"] =
      kv.empty() ? json(nullptr) : json(number_at(kv, "num_bits") == 4 ? "NVFP4" : "FP8");
  const std::int64_t group =
      number_at(q, "group_size", text_at(q, "quant_algo").find("NVFP4") != std::string::npos ? 16 : 0);
  inner["group_size"] = group == 0 ? json(nullptr) : json(group);
  inner["exclude_modules"] = q.contains("ignore") ? q["ignore"] : json::array();
  if (q.contains("quantized_layers")) inner["quantized_layers"] = q["quantized_layers"];
  nested["quantization"] = inner;
  return nested;
}

/// The flat form of a nested configuration.
json flat_of(const json& nested) {
  const json& inner = object_at(nested, "quantization");
  json q = {{"quant_method", "modelopt"},
            {"quant_algo", text_at(inner, "quant_algo")},
            {"ignore", strings_at(inner, "exclude_modules")}};
  const std::string kv = text_at(inner, "kv_cache_quant_algo");
  if (!kv.empty())
    q["kv_cache_scheme"] = {{"dynamic", false}, {"num_bits", kv == "NVFP4" ? 4 : 8}, {"type", "float"}};
  if (number_at(inner, "group_size") != 0) q["group_size"] = number_at(inner, "group_size");
  if (inner.contains("quantized_layers")) q["quantized_layers"] = inner["quantized_layers"];
  if (nested.contains("producer")) q["producer"] = nested["producer"];
  return q;
}

/// Adds the keys that vLLM demands; says whether there was anything to add.
bool complete_nested(json& nested) {
  if (object_at(nested, "quantization").empty()) return false;
  json& inner = nested["quantization"];
  bool changed = false;
  const bool nvfp4 = text_at(inner, "quant_algo").find("NVFP4") != std::string::npos;
  const auto add = [&](const char* key, const json& value) {
    if (inner.contains(key)) return;
    inner[key] = value;
    changed = true;
  };
  add("kv_cache_quant_algo", nullptr);
  add("exclude_modules", json::array());
  if (nvfp4) add("group_size", 16);
  return changed;
}

/// Removes the entries that rule V18 found unknown in schemes and arguments.
std::size_t drop_unknown_keys(const Opened& c, json& q) {
  std::size_t dropped = 0;
  const std::string top = "quantization_config.";
  for (const Finding& f : c.findings.all()) {
    if (f.rule != "V18" || f.seen.find("no such key") == std::string::npos || f.subject.rfind(top, 0) != 0)
      continue;
    json* at = &q;
    std::string path = f.subject.substr(top.size());
    for (auto dot = path.find('.'); dot != std::string::npos && at->is_object(); dot = path.find('.')) {
      const std::string key = path.substr(0, dot);
      if (!at->contains(key)) break;
      at = &(*at)[key];
      path = path.substr(dot + 1);
    }
    if (at->is_object()) dropped += at->erase(path);
  }
  return dropped;
}

std::size_t restore_from(const std::filesystem::path& source, json& config, std::vector<std::string>& keys) {
  Findings unused;
  const Snapshot s(source, unused);
  for (const std::string& key : changed_keys(config, s.config())) {
    config[key] = s.config()[key];
    keys.push_back(key);
  }
  return keys.size();
}

void fix_modelopt(const Opened& c, FixLog& log) {
  const Snapshot& s = c.checkpoint;
  if (!s.has_hf_quant_config()) {
    const json& q = object_at(s.config(), "quantization_config");
    if (text_at(q, "quant_algo").empty())
      return log.refused.push_back("config: quant_algo is in neither file");
    write_json(c, nested_file, nested_of(q));
    return log.done.push_back("config: wrote hf_quant_config.json from config.json");
  }
  json nested = s.hf_quant_config();
  if (complete_nested(nested)) {
    write_json(c, nested_file, nested);
    log.done.push_back("config: added the missing keys to hf_quant_config.json");
  }
  if (!s.config().contains("quantization_config") && s.has_config()) {
    json config = s.config();
    config["quantization_config"] = flat_of(nested);
    write_json(c, "config.json", config);
    return log.done.push_back("config: added quantization_config to config.json from hf_quant_config.json");
  }
  for (const Finding& f : c.findings.all())
    if (f.rule == "N-mirror" && f.seen.find(" in ") != std::string::npos)
      log.refused.push_back("config: " + f.subject + ": " + f.seen +
                            "; which of the two is right cannot be told");
}

}  // namespace

void fix_config(const Opened& c, const std::filesystem::path& source, FixLog& log) {
  if (c.declared.method == "modelopt") fix_modelopt(c, log);
  if (!c.checkpoint.has_config()) return;
  const Opened again(c.checkpoint.directory());
  json config = again.checkpoint.config();
  bool changed = false;
  if (config.contains("quantization_config")) {
    if (const std::size_t n = drop_unknown_keys(again, config["quantization_config"]); n != 0) {
      changed = true;
      log.done.push_back(fmt::format("config: removed {} keys that compressed-tensors refuses", n));
    }
  }
  std::vector<std::string> keys;
  if (!source.empty() && restore_from(source, config, keys) != 0) {
    changed = true;
    log.done.push_back("config: restored from the source: " + some_of(keys));
  }
  if (changed) write_json(again, "config.json", config);
}

void fix_ignore(const Opened& c, FixLog& log) {
  if (!c.declared.every_linear ||
      (c.declared.method != "modelopt" && c.declared.method != "compressed-tensors"))
    return log.refused.push_back("ignore: only compressed-tensors and modelopt list every unquantized layer");
  std::vector<std::string> added, removed, list;
  std::map<std::string, Module> modules = c.modules;
  Findings found;
  Declaration declared = c.declared;
  Context x{c.checkpoint, declared, modules, found, {}, {}, 1};
  check_names(x);
  const auto gone = [&](const std::string& entry) {
    return std::any_of(found.all().begin(), found.all().end(), [&](const Finding& f) {
      return f.rule == "V9" && f.subject == entry && f.seen.find("no such module") != std::string::npos;
    });
  };
  for (const std::string& entry : declared.ignore) (gone(entry) ? removed : list).push_back(entry);
  for (const auto& [name, m] : modules)
    if (!m.quantized() && should_be_quantized(declared, m)) added.push_back(name);
  list.insert(list.end(), added.begin(), added.end());
  for (const Finding& f : found.all())
    if (f.rule == "V10")
      log.refused.push_back(
          "ignore: " + f.subject +
          " belongs to a listed module; whether the list or the tensors are wrong cannot be told");
  if (added.empty() && removed.empty()) return;
  Replacement files(c.checkpoint.directory());
  if (c.checkpoint.config().contains("quantization_config")) {
    json config = c.checkpoint.config();
    config["quantization_config"]["ignore"] = list;
    files.text("config.json", nvq::io::dump_json(config));
  }
  if (c.checkpoint.has_hf_quant_config()) {
    json nested = c.checkpoint.hf_quant_config();
    nested["quantization"]["exclude_modules"] = list;
    files.text(nested_file, nvq::io::dump_json(nested));
  }
  files.commit();
  if (!added.empty()) log.done.push_back("ignore: added " + some_of(added));
  if (!removed.empty()) log.done.push_back("ignore: removed " + some_of(removed));
}

}  // namespace app::check
