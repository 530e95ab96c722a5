// SPDX-License-Identifier: Apache-2.0

// Writes the table of docs/quality.md: the SQNR of every format and recipe on the samples of the quality
// tests. Minutes on one core.
//
//     c++ -std=c++17 -O2 -I include -I tests docs/tools/quality_table.cpp -o quality_table
//     ./quality_table                     prints it
//     ./quality_table docs/quality.md     replaces what is between its markers

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <nvq/formats.hpp>
#include <nvq/metrics.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "quality/densities.hpp"

namespace {

constexpr std::size_t rows = 1024, columns = 4096;

const std::array<std::vector<float>, 3>& samples() {
  static const std::array<std::vector<float>, 3> all = {quality::gaussian(rows * columns),
                                                        quality::laplace(rows * columns),
                                                        quality::student_t5(rows * columns)};
  return all;
}

template <class Fn, class... T>
void for_each_type(std::tuple<T...>*, Fn fn) {
  (fn(static_cast<T*>(nullptr)), ...);
}

std::string number(const char* format, double x) {
  char text[32];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

/// Bits a value of a 4096 x 4096 matrix, scales and zero points included.
template <class F>
std::string bits() {
  const std::int64_t n = 4096;
  std::size_t bytes = F::codes_bytes(n, n) + F::scales_bytes(n, n);
  if (F::has_zero_point) bytes += F::blocks_count(n, n);
  if (F::has_tensor_scale) bytes += sizeof(float);
  return number("%.5g", 8.0 * static_cast<double>(bytes) / static_cast<double>(n * n));
}

/// The decibels of one recipe on the three densities, as cells.
template <class F, class R>
std::string figures() {
  std::string cells;
  for (const std::vector<float>& x : samples()) {
    const auto q = nvq::quantize<F>(x, {rows, columns}, R{});
    cells += " " + number("%.2f", nvq::sqnr_db(x, nvq::dequantize<float>(q))) + " |";
  }
  return cells;
}

std::string table() {
  std::string text =
      "| format | bits a value | recipes | Gaussian | Laplace | Student's t |\n|---|--:|---|--:|--:|--:|\n";
  for_each_type(static_cast<nvq::AllFormats*>(nullptr), [&](auto* f) {
    using F = std::remove_pointer_t<decltype(f)>;
    std::vector<std::pair<std::string, std::string>> lines;  // recipes, figures; equal figures share a line
    for_each_type(static_cast<nvq::AllRecipes*>(nullptr), [&](auto* r) {
      using R = std::remove_pointer_t<decltype(r)>;
      if constexpr (nvq::supports_v<R, F>) {
        const std::string name = std::string("`") + R::name() + "`", cells = figures<F, R>();
        std::fprintf(stderr, "%s %s%s\n", nvq::format_name<F>, R::name(), cells.c_str());
        for (auto& [recipes, same] : lines)
          if (same == cells) {
            recipes += ", " + name;
            return;
          }
        lines.emplace_back(name, cells);
      }
    });
    for (const auto& [recipes, cells] : lines)
      text += std::string("| `") + nvq::format_name<F> + "` | " + bits<F>() + " | " + recipes + " |" + cells +
              "\n";
  });
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs(table().c_str(), stdout);
    return 0;
  }
  std::ifstream in(argv[1], std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string begin = "<!-- quality:begin -->\n", end = "<!-- quality:end -->";
  const std::size_t from = text.find(begin), to = text.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) {
    std::fprintf(stderr, "quality_table: %s cannot be read or has no <!-- quality:begin --> marker\n",
                 argv[1]);
    return 1;
  }
  text.replace(from + begin.size(), to - from - begin.size(), table());
  if ((std::ofstream(argv[1], std::ios::binary) << text).flush()) return 0;
  std::fprintf(stderr, "quality_table: cannot write %s\n", argv[1]);
  return 1;
}
