// SPDX-License-Identifier: Apache-2.0

// Writes the tables of formats and recipes of the docs from nvq::AllFormats and nvq::AllRecipes:
//
//     c++ -std=c++17 -I include docs/tools/format_table.cpp -o format_table
//     ./format_table                                          prints both
//     ./format_table README.md docs/formats.md ...            replaces what is between <!-- formats:begin -->
//     and
//                                                             <!-- formats:end -->, and the same of `applies`
//     ./format_table --check README.md docs/formats.md ...    exits with 1 where that would change a file, or
//     where
//                                                             a recipe is missing after <!-- names every
//                                                             recipe -->

#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nvq/formats.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

template <class Fn, class... T>
void for_each_type(std::tuple<T...>*, Fn fn) {
  (fn(static_cast<T*>(nullptr)), ...);
}

template <class E>
std::string element_name() {
  return std::is_same_v<E, nvq::NormalFloat4> ? "NormalFloat4" : E::name();
}

template <class B>
std::string block_name() {
  if (B::rows == 0) return "WholeTensor";
  if (B::columns == 0) return "WholeRow";
  if (B::rows == 1) return "Block" + std::to_string(B::columns);
  return "Tile<" + std::to_string(B::rows) + ", " + std::to_string(B::columns) + ">";
}

template <class S>
std::string scale_name() {
  if (std::is_same_v<S, nvq::ScaleFP32DQ>) return "ScaleFP32DQ";
  const std::string name = std::string("Scale") + S::name();
  return S::has_zero_point ? "Affine<" + name + ">" : name;
}

/// What a reader wants to know of the scales: their type, and how many values share one.
template <class F>
std::string scale_words() {
  using B = typename F::block;
  const std::string shared = B::rows == 0      ? "the tensor"
                             : B::columns == 0 ? "a row"
                             : B::rows == 1    ? std::to_string(B::columns)
                                               : std::to_string(B::rows) + " x " + std::to_string(B::columns);
  std::string text = std::string(F::block_scale::name());
  if (F::has_zero_point) text += " and zero point";
  text += " for " + shared;
  if (F::has_tensor_scale) text += ", FP32 for the tensor";
  return text;
}

/// The front header, named after what comes before the first underscore.
std::string header(const std::string& format) {
  std::string name;
  for (const char c : format.substr(0, format.find('_')))
    name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return "`nvq/" + name + ".hpp`";
}

/// Bits a value of a 4096 x 4096 matrix, scales and zero points included.
template <class F>
std::string bits() {
  const std::int64_t n = 4096;
  std::size_t bytes = F::codes_bytes(n, n) + F::scales_bytes(n, n);
  if (F::has_zero_point) bytes += F::blocks_count(n, n);
  if (F::has_tensor_scale) bytes += sizeof(float);
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", 8.0 * static_cast<double>(bytes) / static_cast<double>(n * n));
  return text;
}

template <class F>
std::string row() {
  const std::string name = nvq::format_name<F>;
  const std::string type = "Format<" + element_name<typename F::element>() + ", " +
                           block_name<typename F::block>() + ", " + scale_name<typename F::block_scale>() +
                           ", " + (F::has_tensor_scale ? "TensorFP32" : "TensorNone") + ">";
  return "| `" + name + "` | `" + type + "` | " + scale_words<F>() + " | " + bits<F>() + " | `" +
         nvq::default_recipe<F>::name() + "` | " + header(name) + " |\n";
}

std::string format_table() {
  std::string table =
      "| name | type | block scale | bits a value | default recipe | header |\n|---|---|---|--:|---|---|\n";
  for_each_type(static_cast<nvq::AllFormats*>(nullptr),
                [&](auto* f) { table += row<std::remove_pointer_t<decltype(f)>>(); });
  return table;
}

/// Which recipes each format takes; formats that take the same ones share a row.
std::string applies_table() {
  std::vector<std::pair<std::string, std::string>> rows;  // formats, recipes
  for_each_type(static_cast<nvq::AllFormats*>(nullptr), [&](auto* f) {
    using F = std::remove_pointer_t<decltype(f)>;
    using Default = nvq::default_recipe<F>;
    const std::string format = std::string("`") + nvq::format_name<F> + "`";
    std::string recipes = std::string("`") + Default::name() + "`";
    for_each_type(static_cast<nvq::AllRecipes*>(nullptr), [&](auto* r) {
      using R = std::remove_pointer_t<decltype(r)>;
      if constexpr (nvq::supports_v<R, F> && !std::is_same_v<R, Default>)
        recipes += std::string(", `") + R::name() + "`";
    });
    for (auto& [formats, same] : rows)
      if (same == recipes) {
        formats += ", " + format;
        return;
      }
    rows.emplace_back(format, recipes);
  });
  std::string table = "| format | recipes, the default first |\n|---|---|\n";
  for (const auto& [formats, recipes] : rows) table += "| " + formats + " | " + recipes + " |\n";
  return table;
}

/// The first recipe a text that claims to name every recipe leaves out; "" where it claims no such thing.
std::string unnamed_recipe(const std::string& text) {
  std::string missing;
  if (text.find("<!-- names every recipe -->") != std::string::npos)
    for_each_type(static_cast<nvq::AllRecipes*>(nullptr), [&](auto* r) {
      const std::string name = std::remove_pointer_t<decltype(r)>::name();
      if (missing.empty() && text.find("`" + name + "`") == std::string::npos) missing = name;
    });
  return missing;
}

/// `text` with the lines between the markers of `section` replaced; unchanged where it has none.
std::string with_section(std::string text, const std::string& section, const std::string& table) {
  const std::string begin = "<!-- " + section + ":begin -->\n", end = "<!-- " + section + ":end -->";
  const std::size_t from = text.find(begin), to = text.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) return text;
  return text.replace(from + begin.size(), to - from - begin.size(), table);
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool check = !files.empty() && files[0] == "--check";
  if (check) files.erase(files.begin());
  if (files.empty()) {
    std::printf("%s\n%s", format_table().c_str(), applies_table().c_str());
    return 0;
  }
  int status = 0;
  for (const std::string& path : files) {
    const std::string before = read(path);
    const std::string after =
        with_section(with_section(before, "formats", format_table()), "applies", applies_table());
    if (before.empty() || before.find(":begin -->") == std::string::npos) {
      std::fprintf(stderr, "format_table: %s cannot be read or has no <!-- formats:begin --> marker\n",
                   path.c_str());
      status = 1;
    } else if (const std::string missing = unnamed_recipe(after); !missing.empty()) {
      std::fprintf(stderr, "format_table: %s does not name the recipe %s\n", path.c_str(), missing.c_str());
      status = 1;
    } else if (check && before != after) {
      std::fprintf(stderr, "format_table: the tables in %s are not those of the library; run ./run docs\n",
                   path.c_str());
      status = 1;
    } else if (before != after && !(std::ofstream(path, std::ios::binary) << after).flush()) {
      std::fprintf(stderr, "format_table: cannot write %s\n", path.c_str());
      status = 1;
    }
  }
  return status;
}
