// SPDX-License-Identifier: Apache-2.0
#include "declared.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "layers.hpp"
#include "name_pattern.hpp"

namespace app::check {

namespace {

bool has_wildcard(std::string_view entry) { return entry.find_first_of("*?[") != std::string_view::npos; }

bool under(std::string_view module, std::string_view parent) {
  return module == parent || (module.size() > parent.size() && module[parent.size()] == '.' &&
                              module.substr(0, parent.size()) == parent);
}

}  // namespace

bool is_class_name(std::string_view entry) {
  return !entry.empty() && std::isupper(static_cast<unsigned char>(entry[0])) != 0 &&
         entry.find_first_of(".:*") == std::string_view::npos;
}

bool matches(Matching how, const std::string& entry, std::string_view module) {
  if (entry.empty()) return false;
  switch (how) {
    case Matching::exact_or_regex:
      if (entry.rfind("re:", 0) == 0) return matches_from_start(entry.substr(3), module);
      return entry == module;
    case Matching::glob:
      if (has_wildcard(entry)) return glob(entry, module) || glob(entry, std::string(module) + ".");
      return under(module, entry);
    case Matching::part_of_name:
      if (entry.rfind("re:", 0) == 0) return matches_from_start(entry.substr(3), module);
      if (has_wildcard(entry)) return glob(entry, module) || glob(entry + ".*", module);
      return module.find(entry) != std::string_view::npos;
  }
  return false;
}

bool Declaration::ignored(std::string_view module) const {
  return std::any_of(ignore.begin(), ignore.end(),
                     [&](const std::string& e) { return matches(matching, e, module); });
}

void SchemeTable::Targets::add(const std::string& target, bool pattern, const Scheme& scheme) {
  const std::size_t place = names.size() + patterns.size();
  if (pattern)
    patterns.push_back({place, &target, &scheme});
  else
    names.emplace(target, std::pair(place, &scheme));
}

template <class Matches>
const Scheme* SchemeTable::Targets::find(std::string_view module, Matches matches) const {
  const auto name = names.find(module);
  for (const Pattern& p : patterns) {
    if (name != names.end() && p.place > name->second.first) break;
    if (matches(*p.text, module)) return p.scheme;
  }
  return name != names.end() ? name->second.second : nullptr;
}

SchemeTable::SchemeTable(const Declaration& d) : declaration_(d) {
  for (const SchemeGroup& g : d.layers)
    for (const std::string& name : g.targets)
      layers_.add(name, name.find('*') != std::string::npos, g.scheme);
  for (const SchemeGroup& g : d.groups) {
    if (rest_ == nullptr &&
        (g.targets.empty() || std::any_of(g.targets.begin(), g.targets.end(), is_class_name)))
      rest_ = &g.scheme;
    for (const std::string& t : g.targets)
      if (!t.empty() && !is_class_name(t)) groups_.add(t, t.rfind("re:", 0) == 0, g.scheme);
  }
}

std::optional<Scheme> SchemeTable::find(std::string_view module) const {
  const Scheme* s =
      layers_.find(module, [](const std::string& p, std::string_view m) { return p == m || glob(p, m); });
  if (s != nullptr) return *s;
  if (declaration_.ignored(module)) return std::nullopt;
  // An exact name or a regular expression goes before a class name.
  s = groups_.find(module, [](const std::string& p, std::string_view m) {
    return matches(Matching::exact_or_regex, p, m);
  });
  if (s == nullptr) s = rest_;
  return s != nullptr ? std::optional<Scheme>(*s) : std::nullopt;
}

Declaration declaration_of(const Snapshot& c, Findings& findings) {
  Declaration d;
  const nvq::io::json& config = c.config();
  const nvq::io::json* q = &object_at(config, "quantization_config");
  if (q->empty()) q = &object_at(text_config(config), "quantization_config");
  if (q->empty()) q = &object_at(config, "compression_config");
  d.method = text_at(*q, "quant_method");
  if (q->empty() && c.has_hf_quant_config()) d.method = "modelopt";
  if (q->empty() && !c.has_hf_quant_config()) {
    if (config.contains("quantization_config"))
      findings.error("N-config", "config.json", "quantization_config is empty or no object");
    return d;
  }
  if (d.method.rfind("modelopt", 0) == 0)
    declare_modelopt(c, *q, d, findings);
  else if (d.method == "compressed-tensors")
    declare_compressed_tensors(*q, d, findings);
  else
    declare_huggingface(c, *q, d, findings);
  return d;
}

std::string text_at(const nvq::io::json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::int64_t number_at(const nvq::io::json& object, const char* key, std::int64_t otherwise) {
  if (!object.is_object()) return otherwise;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_integer()) return otherwise;
  // Nothing that is counted here is near this; beyond it sums would overflow.
  constexpr std::int64_t far = std::int64_t{1} << 48;
  if (it->is_number_unsigned() && it->get<std::uint64_t>() > static_cast<std::uint64_t>(far)) return far;
  return std::clamp(it->get<std::int64_t>(), -far, far);
}

bool true_at(const nvq::io::json& object, const char* key) {
  if (!object.is_object()) return false;
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

std::vector<std::string> strings_at(const nvq::io::json& object, const char* key) {
  std::vector<std::string> all;
  if (!object.is_object()) return all;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array()) return all;
  for (const auto& e : *it)
    if (e.is_string()) all.push_back(e.get<std::string>());
  return all;
}

const nvq::io::json& object_at(const nvq::io::json& object, const char* key) {
  static const nvq::io::json empty = nvq::io::json::object();
  if (!object.is_object()) return empty;
  const auto it = object.find(key);
  return it != object.end() && it->is_object() ? *it : empty;
}

const nvq::io::json& text_config(const nvq::io::json& config) {
  const nvq::io::json& inner = object_at(config, "text_config");
  return inner.empty() ? config : inner;
}

}  // namespace app::check
