// SPDX-License-Identifier: Apache-2.0
#include "rules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "codec.hpp"
#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::activation_kind;
using nvq::io::dialect;

constexpr dialect all_dialects[] = {dialect::compressed_tensors,
                                    dialect::modelopt,
                                    dialect::deepseek,
                                    dialect::gpt_oss,
                                    dialect::gptq,
                                    dialect::gptq_v2,
                                    dialect::awq,
                                    dialect::bitsandbytes};

struct Preset {
  std::string_view name, rules;
};

/// Rules of a preset; FORMAT stands for the format of the command line.
constexpr Preset presets[] = {
    {"all-linear", "* = FORMAT\n"},
    {"mlp-only", "*attn.* = keep\n*attention.* = keep\n* = FORMAT\n"},
    {"experts-fp4-dense-fp8", "*.experts.* = FORMAT\n* = fp8_row\n"},
};

dialect parse_dialect(const std::string& text, const std::string& format) {
  if (text.empty())
    return format == "nf4" || format == "nf4_dq" ? dialect::bitsandbytes : dialect::compressed_tensors;
  return find_dialect(text);
}

std::string usual_format(dialect d) {
  switch (d) {
    case dialect::deepseek:
      return "fp8_block";
    case dialect::gpt_oss:
      return "mxfp4";
    case dialect::gptq:
    case dialect::gptq_v2:
      return "int4";
    case dialect::awq:
      return "int4_zp";
    case dialect::bitsandbytes:
      return "nf4";
    default:
      return "nvfp4";
  }
}

activation_kind parse_activations(const std::string& text) {
  if (text == "none") return activation_kind::none;
  if (text == "dynamic") return activation_kind::dynamic;
  if (text == "calibrated") return activation_kind::calibrated;
  throw Failure("unknown activations '" + text + "'; known are none, dynamic and calibrated");
}

/// `strict`: the user asked for these activations of this format, so a dialect that cannot say them is an
/// error and not a reason to take the usual ones.
nvq::io::weight_scheme scheme_of(const std::string& format, dialect d, const RuleOptions& options,
                                 bool strict) {
  const FormatName& f = find_format(format);
  nvq::io::weight_scheme s;
  s.owner = d;
  s.kind = f.kind;
  s.group = f.group;
  s.zero_points = f.zero_points;
  s.double_quant = f.double_quant;
  const activation_kind usual = nvq::io::usual_activations(d, f.kind);
  s.activations = activation_kind::calibrated;
  const bool calibrates = options.has_activation_amax && bool(nvq::io::check(s));
  s.activations = usual;
  if (!options.activations.empty()) {
    s.activations = parse_activations(options.activations);
    if (!strict && !nvq::io::check(s)) s.activations = usual;
  } else if (calibrates) {
    s.activations = activation_kind::calibrated;
  }
  if (auto ok = nvq::io::check(s); !ok) throw Failure("--format " + format + ": " + ok.error().message);
  if (s.activations == activation_kind::calibrated && !options.has_activation_amax)
    throw Failure("--format " + format +
                  ": these activations need a calibrated scale per layer; give --activation-amax FILE, or a "
                  "number for all layers");
  return s;
}

/// Reads rules and adds the treatments they need.
class Reader {
 public:
  Reader(Rules& rules, const RuleOptions& options) : rules_(rules), options_(options) {}

  void read(std::string_view text, const std::string& where) {
    int number = 0;
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      ++number;
      line(text.substr(0, end), where + ":" + std::to_string(number));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  int treatment(const std::string& format, const std::string& recipe, bool strict) {
    Treatment t{scheme_of(format, rules_.dialect, options_, strict), recipe, format};
    // Makes the unknown recipe's Failure here, where the rule can be named.
    make_codec(t.scheme, nvq::io::dtype::f32, recipe);
    for (std::size_t i = 0; i < rules_.treatments.size(); ++i)
      if (rules_.treatments[i].scheme == t.scheme && rules_.treatments[i].recipe == recipe)
        return static_cast<int>(i);
    rules_.treatments.push_back(std::move(t));
    return static_cast<int>(rules_.treatments.size() - 1);
  }

 private:
  static std::string trim(std::string_view s) {
    const auto first = s.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return std::string(s.substr(first, s.find_last_not_of(" \t\r") - first + 1));
  }

  void line(std::string_view text, const std::string& where) {
    const std::string content = trim(text.substr(0, text.find('#')));
    if (content.empty()) return;
    const auto equals = content.rfind('=');
    Rule rule;
    rule.text = content;
    rule.pattern = trim(std::string_view(content).substr(0, equals));
    std::string what = equals == std::string::npos ? "" : trim(std::string_view(content).substr(equals + 1));
    if (rule.pattern.empty() || what.empty())
      throw Failure(where + ": '" + content + "' is no rule; write PATTERN = FORMAT[:RECIPE], or = keep");
    if (what.back() == '!') {
      rule.force = true;
      what = trim(std::string_view(what).substr(0, what.size() - 1));
    }
    if (what == "FORMAT") {
      rule.treatment = 0;
    } else if (what != "keep") {
      const auto colon = what.find(':');
      try {
        rule.treatment =
            treatment(what.substr(0, colon), colon == std::string::npos ? "" : what.substr(colon + 1), false);
      } catch (const Failure& e) {
        throw Failure(where + ": " + e.what());
      }
    }
    rules_.rules.push_back(std::move(rule));
  }

  Rules& rules_;
  const RuleOptions& options_;
};

}  // namespace

const Rule& Rules::find(std::string_view module) const {
  for (const Rule& r : rules)
    if (glob(r.pattern, module)) return r;
  return rules.back();  // "*"
}

Rules make_rules(const RuleOptions& options) {
  Rules rules;
  rules.dialect = parse_dialect(options.dialect, options.format);
  const bool mixed = !options.rules.empty() || !options.preset.empty();
  Reader reader(rules, options);
  reader.treatment(options.format.empty() ? usual_format(rules.dialect) : options.format, options.recipe,
                   !mixed);
  for (const std::string& pattern : options.keep)
    rules.rules.push_back({pattern, -1, false, "--keep " + pattern});
  reader.read(options.rules, options.rules_file);
  if (!options.preset.empty()) {
    const auto p = std::find_if(std::begin(presets), std::end(presets),
                                [&](const Preset& preset) { return preset.name == options.preset; });
    if (p == std::end(presets))
      throw Failure(
          fmt::format("unknown preset '{}'; known are {}", options.preset, fmt::join(preset_names(), ", ")));
    reader.read(p->rules, "--preset " + options.preset);
  }
  rules.rules.push_back({"*", 0, false, "* = " + rules.treatments[0].format});
  return rules;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Preset& p : presets) names.emplace_back(p.name);
  return names;
}

std::vector<std::string> dialect_names() {
  std::vector<std::string> names;
  for (const dialect d : all_dialects) names.emplace_back(nvq::io::name(d));
  return names;
}

dialect find_dialect(const std::string& name) {
  const auto dashes = [](std::string text) {
    std::replace(text.begin(), text.end(), '_', '-');
    return text;
  };
  for (const dialect d : all_dialects)
    if (dashes(name) == dashes(nvq::io::name(d))) return d;
  throw Failure(fmt::format("unknown dialect '{}'; known are {}", name, fmt::join(dialect_names(), ", ")));
}

}  // namespace app
