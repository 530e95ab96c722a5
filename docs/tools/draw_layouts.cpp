// SPDX-License-Identifier: Apache-2.0

// Draws the pictures of docs/layouts.md from the library's own offset():
//
//     c++ -std=c++17 -I include docs/tools/draw_layouts.cpp -o draw_layouts && ./draw_layouts docs/img

#include <cstdint>
#include <cstdio>
#include <functional>
#include <nvq/layout.hpp>
#include <string>
#include <vector>

#include "svg.hpp"

namespace {

using namespace docs;
namespace layout = nvq::layout;

struct Picture {
  std::string file, title;
  std::string row, column;             // what a row and a column of the grid are
  std::vector<int64_t> rows, columns;  // shown in the grid
  int64_t line, word;                  // units in a line of the buffer; a little space after each word
  std::vector<int64_t> lines;          // shown of the buffer
  std::function<Colour(int64_t, int64_t)> colour;  // of the unit at (row, column)
  std::string note;
};

constexpr double cell_w = 27, cell_h = 19, top = 46, axis = 46;

void draw_grid(Svg& svg, const Picture& p, int64_t columns, double x0, double y0) {
  svg.text(x0 + axis, y0 + 16, "grid: " + p.row + " down, " + p.column + " across", "s");
  double x = x0 + axis;
  for (const int64_t c : p.columns) {
    svg.text(x + (c == gap ? cell_w / 4 : cell_w / 2), y0 + top - 6,
             c == gap ? "\xE2\x8B\xAF" : std::to_string(c), "c");
    x += c == gap ? cell_w / 2 : cell_w;
  }
  double y = y0 + top;
  for (const int64_t r : p.rows) {
    svg.text(x0 + axis - 6, y + (r == gap ? 10 : 13), r == gap ? "\xE2\x8B\xAE" : std::to_string(r), "a");
    x = x0 + axis;
    for (const int64_t c : p.columns) {
      if (r != gap && c != gap) {
        svg.rect(x, y, cell_w, cell_h, hex(p.colour(r, c)));
        svg.text(x + cell_w / 2, y + 13, std::to_string(r * columns + c), "n");
      }
      x += c == gap ? cell_w / 2 : cell_w;
    }
    y += r == gap ? cell_h * 0.7 : cell_h;
  }
}

/// `foreign`: what to write into a unit that is no unit of the layout, with its width in units; 0 to leave it
/// out.
template <class L>
void draw_buffer(Svg& svg, const Picture& p, const L& l, double x0, double y0,
                 const std::function<int64_t(int64_t, std::string&)>& foreign) {
  const char* unit = L::bits() == 4                        ? "nibbles, low one first"
                     : sizeof(typename L::value_type) == 1 ? "bytes"
                                                           : "elements";
  svg.text(x0 + axis, y0 + 16, "buffer: " + std::to_string(l.bytes()) + " bytes, shown as " + unit, "s");
  svg.text(x0 + axis - 6, y0 + top - 6, "byte", "a");
  const auto bytes_of = [&](int64_t units) { return units * L::bits() / 8; };
  double y = y0 + top;
  for (const int64_t line : p.lines) {
    svg.text(x0 + axis - 6, y + (line == gap ? 10 : 13),
             line == gap ? "\xE2\x8B\xAE" : std::to_string(bytes_of(line * p.line)), "a");
    if (line == gap) {
      y += cell_h * 0.7;
      continue;
    }
    double x = x0 + axis;
    for (int64_t u = 0; u < p.line; ++u) {
      const int64_t index = line * p.line + u;
      if (index >= l.bytes() * 8 / L::bits()) break;
      const layout::position at = l.position(index);
      std::string label;
      if (at.row < 0) {
        const int64_t width = foreign(index, label);
        if (width > 0) {
          svg.rect(x, y, cell_w * static_cast<double>(width), cell_h, "#444444");
          svg.text(x + cell_w * static_cast<double>(width) / 2, y + 13,
                   "<tspan fill='#ffffff'>" + label + "</tspan>", "n");
        }
      } else if (at.row >= l.rows() || at.column >= l.columns()) {
        svg.rect(x, y, cell_w, cell_h, "url(#pad)");
      } else {
        svg.rect(x, y, cell_w, cell_h, hex(p.colour(at.row, at.column)));
        svg.text(x + cell_w / 2, y + 13, std::to_string(at.row * l.columns() + at.column), "n");
      }
      x += cell_w + ((u + 1) % p.word == 0 ? 6 : 0);
    }
    y += cell_h;
  }
}

std::string folder;

template <class L>
bool draw(
    const Picture& p, const L& l,
    const std::function<int64_t(int64_t, std::string&)>& foreign = [](int64_t, std::string&) {
      return int64_t{0};
    }) {
  // The picture shows position(); it is the inverse of offset() wherever it is drawn, or there is no picture.
  for (int64_t r = 0; r < l.rows(); ++r)
    for (int64_t c = 0; c < l.columns(); ++c)
      if (l.position(l.offset(r, c)) != layout::position{r, c}) return false;
  // Side by side where that is not too wide for a page, else one below the other.
  Svg grid;
  draw_grid(grid, p, l.columns(), 0, 46);
  const bool beside = grid.width() + cell_w * static_cast<double>(p.line) < 1000;
  Svg svg;
  svg.text(24, 30, p.title, "t");
  draw_grid(svg, p, l.columns(), 0, 46);
  draw_buffer(svg, p, l, beside ? grid.width() + 28 : 0, beside ? 46 : grid.height() + 12, foreign);
  svg.text(24, svg.height() + 30, p.note, "s");
  const bool written = svg.write(folder + "/" + p.file + ".svg");
  std::printf("%s %s/%s.svg\n", written ? "wrote" : "could not write", folder.c_str(), p.file.c_str());
  return written;
}

/// One hue for each row, paler towards the right.
std::function<Colour(int64_t, int64_t)> by_row(int64_t hues, int64_t columns) {
  return [=](int64_t r, int64_t c) {
    return Colour{static_cast<double>(r % hues) / static_cast<double>(hues),
                  static_cast<double>(c) / static_cast<double>(columns)};
  };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER    writes one SVG for each layout into FOLDER\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  bool ok = true;

  ok &= draw({"layout_linear", "Linear codes, {3, 9}: 4-bit codes, rows start on a byte", "row", "column",
              range(3), range(9), 10, 2, range(3), by_row(3, 9),
              "A hatched nibble is padding: no code fills it, to_layout() writes it."},
             layout::LinearCodes<4>({3, 9}));

  const auto bands = [](int64_t r, int64_t c) {
    return Colour{static_cast<double>(r / 32) / 4, static_cast<double>(c) / 4};
  };
  std::vector<int64_t> quarter;
  for (const int64_t band : {0, 32, 64, 96})
    for (const int64_t r : {int64_t{0}, int64_t{1}, int64_t{2}, gap, int64_t{31}})
      quarter.push_back(r == gap ? gap : band + r);
  ok &= draw(
      {"layout_blocked_128x4", "Blocked128x4, {128, 4}: one tile of 512 bytes", "row", "scale along K",
       quarter, range(4), 16, 4, range(3, {gap, 31}), bands,
       "Line r of the tile holds rows r, r+32, r+64 and r+96. Tiles follow along K, then along the rows."},
      layout::Blocked128x4({128, 4}));
  ok &= draw({"layout_blocked_128x4_padded",
              "Blocked128x4, {33, 5}: two tiles, most of them padding",
              "row",
              "scale along K",
              {0, 1, 2, gap, 31, 32},
              range(5),
              16,
              4,
              {0, 1, 2, gap, 31, 32, 33, gap, 63},
              [](int64_t r, int64_t c) {
                return Colour{static_cast<double>(r / 32) / 4, static_cast<double>(c) / 5};
              },
              "Hatched: padding, written by to_layout() with the byte asked for. The second tile (byte 512) "
              "holds column 4."},
             layout::Blocked128x4({33, 5}));

  ok &=
      draw({"layout_blocked_8x4", "Blocked8x4, {10, 6}: tiles of 32 bytes", "row", "scale along K", range(10),
            range(6), 16, 4, range(8), by_row(10, 6), "Two tiles along K, then the next eight rows."},
           layout::Blocked8x4({10, 6}));

  ok &=
      draw({"layout_deepgemm", "DeepGemmUE8M0, {6, 6}: four scales along K in an int32, words down the rows",
            "row", "scale along K", range(6), range(6), 16, 4, range(4), by_row(6, 6),
            "Rows are padded to a multiple of 4 words (16 bytes), K to whole words."},
           layout::DeepGemmUE8M0({6, 6}));

  ok &=
      draw({"layout_gptq", "GptqWeights&lt;4&gt;, {4, 16}: eight inputs in an int32, words along the outputs",
            "output", "input", range(4), range(16), 16, 8, range(4), by_row(4, 16),
            "Tensor qweight, int32 [inputs/8, outputs]. Zero points: eight outputs in a word, groups one "
            "after the other."},
           layout::GptqWeights<4>({4, 16}));

  ok &= draw({"layout_awq", "AwqWeights, {16, 4}: eight outputs in an int32, even ones first", "output",
              "input", range(16), range(4), 16, 8, range(4), by_row(16, 4),
              "Tensor qweight, int32 [inputs, outputs/8]. Zero points: the same order, groups for inputs."},
             layout::AwqWeights({16, 4}));

  ok &=
      draw({"layout_pack_quantized",
            "PackQuantizedZeros&lt;4&gt;, {10, 3}: eight outputs in an int32, words along the groups",
            "output", "group", range(10), range(3), 24, 8, range(2), by_row(10, 3),
            "Tensor weight_zero_point, int32 [outputs/8, groups]; the weights themselves are linear codes."},
           layout::PackQuantizedZeros<4>({10, 3}));

  std::vector<int64_t> pairs;
  for (int64_t n = 0; n < 64; n += 8) pairs.insert(pairs.end(), {n, n + 1, gap});
  ok &= draw({"layout_marlin", "MarlinWeights&lt;4&gt;, {64, 16}: one tile, 16 bytes for each lane of a warp",
              "output", "input", pairs, range(16), 32, 8, range(8, {gap}),
              [](int64_t n, int64_t k) {
                const int64_t lane = n % 8 * 4 + k % 8 / 2;
                return Colour{static_cast<double>(lane % 8) / 8, static_cast<double>(n / 8) / 8};
              },
              "A colour is a lane; each line of the buffer is the lane's share. Lane 4j+i: outputs j, j+8, "
              "... j+56 at "
              "inputs 2i, 2i+1, 2i+8, 2i+9."},
             layout::MarlinWeights<4>({64, 16}));
  ok &= draw({"layout_marlin_a8",
              "MarlinWeights&lt;4, bits8&gt;, {64, 32}: tiles for 8-bit activations, the first of two",
              "output",
              "input",
              {0, 1, gap, 8, 9, gap, 16, 17, gap, 24, 25, gap},
              range(32),
              32,
              8,
              range(8, {gap}),
              [](int64_t n, int64_t k) {
                const int64_t lane = n % 8 * 4 + k % 16 / 4;
                return Colour{static_cast<double>(lane % 8) / 8, static_cast<double>(n % 32 / 8) / 4};
              },
              "A colour is a lane. Lane 4j+i: outputs j, j+8, j+16, j+24 at inputs 4i..4i+3 and "
              "4i+16..4i+19, one of each "
              "in turn."},
             layout::MarlinWeights<4, layout::MarlinActivation::bits8>({64, 32}));
  ok &= draw({"layout_marlin_scales",
              "MarlinScales&lt;uint16&gt;, {64, 2}: outputs transposed 8 x 8",
              "output",
              "group",
              {0, 1, 2, gap, 7, 8, 9, 10, gap, 15, 16, 17, gap, 56, 57, gap, 63},
              range(2),
              16,
              8,
              range(8),
              [](int64_t n, int64_t g) {
                return Colour{static_cast<double>(n % 8) / 8,
                              static_cast<double>(g) / 2 + static_cast<double>(n / 8) / 20};
              },
              "Outputs j, j+8, ... j+56, those of one lane, lie side by side. Lines 0-3 are group 0, lines "
              "4-7 group 1."},
             layout::MarlinScales<>({64, 2}));

  using Mx = layout::GgmlMXFP4;
  ok &= draw({"layout_ggml_mxfp4", "GgmlCodes&lt;GgmlMXFP4&gt;, {2, 32}: a block of 17 bytes a row", "row",
              "column", range(2), range(32), 34, 2, range(2), by_row(2, 48),
              "Black: the block's scale byte. Each byte of codes holds column j low, j+16 high."},
             layout::GgmlCodes<Mx>({2, 32}), [](int64_t index, std::string& label) {
               if (index % 2 != 0) return int64_t{0};
               const layout::GgmlScales<Mx> scales({2, 1});
               label = "scale " + std::to_string(scales.position(index / 2).row);
               return int64_t{2};
             });
  using Nv = layout::GgmlNVFP4;
  std::vector<int64_t> sixteen = {0, 1, 2, gap, 7, 8, 9, 10, gap, 15, 16, 17, gap, 63};
  ok &= draw({"layout_ggml_nvfp4", "GgmlCodes&lt;GgmlNVFP4&gt;, {1, 64}: a block of 36 bytes", "row",
              "column", range(1), sixteen, 24, 2, range(3),
              [](int64_t, int64_t c) {
                return Colour{static_cast<double>(c / 16) / 4, static_cast<double>(c % 16) / 20};
              },
              "Four scale bytes, then four sub-blocks of 16 codes, one colour each: byte j holds column j "
              "low, j+8 high."},
             layout::GgmlCodes<Nv>({1, 64}), [](int64_t index, std::string& label) {
               if (index % 2 != 0) return int64_t{0};
               label = "scale " + std::to_string(layout::GgmlScales<Nv>({1, 4}).position(index / 2).column);
               return int64_t{2};
             });
  return ok ? 0 : 1;
}
