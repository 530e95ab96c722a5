// SPDX-License-Identifier: Apache-2.0
#include "options_text.hpp"

#include <cctype>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace fs = std::filesystem;

namespace app {

namespace {

/// Calls visit(flag, member) for all of them: members are strings, paths, numbers of bytes and a list.
template <class Options, class Visit>
void each(Options& o, Visit visit) {
  visit("--format", o.format);
  visit("--recipe", o.recipe);
  visit("--dialect", o.dialect);
  visit("--activations", o.activations);
  visit("--activation-amax", o.activation_amax);
  visit("--kv-amax", o.kv_amax);
  visit("--preset", o.preset);
  visit("--rules", o.rules);
  visit("--family", o.family);
  visit("--keep", o.keep);
  visit("--batch", o.batch_bytes);
  visit("--max-rss", o.max_rss);
}

/// Files are named from the root, since the reader's directory may be another.
std::string from_root(const std::string& text) {
  std::error_code ec;
  return !text.empty() && fs::exists(text, ec) ? fs::absolute(text).lexically_normal().string() : text;
}

std::string quoted(const std::string& text) {
  bool plain = !text.empty();
  for (const char c : text)
    plain = plain && (std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                      std::string_view("_-./:,=+@%").find(c) != std::string_view::npos);
  if (plain) return text;
  std::string all = "'";
  for (const char c : text) all += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return all + '\'';
}

}  // namespace

nvq::io::json options_to_json(const QuantizeOptions& options) {
  nvq::io::json all = {{"MODEL_DIR", fs::absolute(options.model).lexically_normal().string()},
                       {"OUT_DIR", fs::absolute(options.out).lexically_normal().string()}};
  each(options, [&](const char* flag, const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, fs::path>)
      all[flag] = from_root(value.string());
    else
      all[flag] = value;
  });
  for (const char* flag : {"--activation-amax", "--kv-amax"})  // files, or numbers
    all[flag] = from_root(all[flag].get<std::string>());
  return all;
}

QuantizeOptions options_from_json(const nvq::io::json& text) {
  QuantizeOptions options;
  options.model = text.at("MODEL_DIR").get<std::string>();
  options.out = text.at("OUT_DIR").get<std::string>();
  each(options, [&](const char* flag, auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<T, fs::path>)
      value = text.at(flag).get<std::string>();
    else
      value = text.at(flag).get<T>();
  });
  return options;
}

std::string command_line(const QuantizeOptions& options) {
  std::string line = "nvq quantize " + quoted(options.model.string()) + ' ' + quoted(options.out.string());
  QuantizeOptions none;
  none.model = none.out = ".";
  const nvq::io::json usual = options_to_json(none);
  each(options, [&](const char* flag, const auto& value) {
    using T = std::decay_t<decltype(value)>;
    const auto add = [&](const std::string& text) { line += std::string(" ") + flag + ' ' + quoted(text); };
    if constexpr (std::is_same_v<T, std::int64_t>) {
      if (value != usual[flag]) add(std::to_string(value));
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      for (const std::string& one : value) add(one);
    } else if constexpr (std::is_same_v<T, fs::path>) {
      if (!value.empty()) add(value.string());
    } else {
      if (!value.empty()) add(value);
    }
  });
  return line;
}

}  // namespace app
