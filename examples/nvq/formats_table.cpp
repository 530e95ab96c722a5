// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nvq/formats.hpp>
#include <nvq/recipe.hpp>
#include <type_traits>

#include "commands.hpp"
#include "table.hpp"

namespace app {

namespace {

template <class B>
std::string block_text() {
  if (B::rows == 0) return "tensor";
  if (B::columns == 0) return "row";
  return fmt::format("{} x {}", B::rows, B::columns);
}

/// Bits of a value of a large matrix, scales and zero points included.
template <class F>
double bits_per_value() {
  constexpr std::int64_t n = 4096;
  std::size_t bytes = F::codes_bytes(n, n) + F::scales_bytes(n, n);
  if (F::has_zero_point) bytes += static_cast<std::size_t>(F::scale_rows(n) * F::scale_columns(n));
  if (F::has_tensor_scale) bytes += sizeof(float);
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(n * n);
}

template <class F, class... R>
std::string recipes(std::tuple<R...>*) {
  using Default = nvq::default_recipe<F>;
  std::string text = Default::name();
  const auto add = [&text](auto* recipe) {
    using Recipe = std::remove_pointer_t<decltype(recipe)>;
    if constexpr (nvq::supports_v<Recipe, F> && !std::is_same_v<Recipe, Default>)
      text += std::string(", ") + Recipe::name();
    (void)text;
  };
  (add(static_cast<R*>(nullptr)), ...);
  return text;
}

template <class F>
std::vector<std::string> row() {
  using Scale = typename F::block_scale;
  return {nvq::format_name<F>,
          F::element::name(),
          block_text<typename F::block>(),
          std::string(Scale::name()) + (F::has_zero_point ? " + zero point" : ""),
          F::has_tensor_scale ? "FP32" : "-",
          fmt::format("{:.4f}", bits_per_value<F>()),
          nvq::default_recipe<F>::name()};
}

/// Formats that take the same recipes, together.
template <class... F>
std::vector<std::vector<std::string>> recipe_rows(std::tuple<F...>*) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&rows](const std::string& format, const std::string& text) {
    for (auto& r : rows)
      if (r[1] == text) {
        r[0] += ", " + format;
        return;
      }
    rows.push_back({format, text});
  };
  (add(nvq::format_name<F>, recipes<F>(static_cast<nvq::AllRecipes*>(nullptr))), ...);
  return rows;
}

template <class... F>
void add_rows(Table& table, std::tuple<F...>*) {
  (table.row(row<F>()), ...);
}

}  // namespace

std::string formats_table(bool markdown) {
  constexpr auto* all = static_cast<nvq::AllFormats*>(nullptr);
  Table formats(
      {"format", "element", "block", "block scale", "tensor scale", ">bits/value", "default recipe"});
  add_rows(formats, all);
  if (markdown) {
    Table recipes({"formats", "recipes, the default first"});
    for (auto& row : recipe_rows(all)) recipes.row(std::move(row));
    return formats.markdown() + '\n' + recipes.markdown();
  }
  std::string text = formats.text() + "\nRecipes, the default first:\n";
  for (const auto& row : recipe_rows(all)) text += row[0] + "\n    " + row[1] + '\n';
  return text;
}

}  // namespace app
