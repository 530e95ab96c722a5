// SPDX-License-Identifier: Apache-2.0

// Draws the pictures of docs/dialects/: a weight, and where its codes, scales and zero points lie in the tensors of a
// dialect. Order within tensors is that of the library's layouts.
//
//     c++ -std=c++17 -I include docs/tools/draw_dialects.cpp -o draw_dialects && ./draw_dialects docs/img

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

struct Cell {
  std::string label, fill;
};

/// A tensor: lines of cells, lowest address first.
struct Tensor {
  std::string name, note;
  double cell = 30;  // width
  int64_t word = 2;  // a little space after so many cells
  std::vector<std::vector<Cell>> lines;
  std::vector<std::string> begins;  // what stands before each line
};

struct Weight {
  std::string file, title;
  std::vector<int64_t> rows, columns;              // shown
  std::function<int64_t(int64_t, int64_t)> group;  // that shares a scale with others
  int64_t groups;
  double cell = 30;
  std::function<std::string(int64_t)> row_name = [](int64_t r) { return std::to_string(r); };
};

constexpr double left = 76, height = 19;

/// Neighbouring groups get colours that differ.
std::string colour_of(int64_t group, int64_t groups, double light) {
  return group < 0 ? "#eeeeee"
                   : hex({static_cast<double>(group * 7 % groups) / static_cast<double>(groups), light});
}

std::string at(int64_t r, int64_t c) { return std::to_string(r) + "," + std::to_string(c); }

double draw_weight(Svg& svg, const Weight& w, double y) {
  svg.text(left, y, "the weight: outputs down, inputs across; a colour is what shares a scale", "s");
  double x = left;
  y += 24;
  for (const int64_t c : w.columns) {
    const double width = c == gap ? 16 : w.cell;
    svg.text(x + width / 2, y, c == gap ? "\xE2\x8B\xAF" : std::to_string(c), "c");
    x += width;
  }
  y += 6;
  for (const int64_t r : w.rows) {
    svg.text(left - 8, y + (r == gap ? 10 : 13), r == gap ? "\xE2\x8B\xAE" : w.row_name(r), "a");
    x = left;
    for (const int64_t c : w.columns) {
      if (r != gap && c != gap) {
        svg.rect(x, y, w.cell, height, colour_of(w.group(r, c), w.groups, 0.8));
        svg.text(x + w.cell / 2, y + 13, at(r, c), "n");
      }
      x += c == gap ? 16 : w.cell;
    }
    y += r == gap ? 13 : height;
  }
  return y;
}

double draw_tensor(Svg& svg, const Tensor& t, double y) {
  svg.text(left, y, t.name, "b");
  svg.text(left, y + 17, t.note, "s");
  y += 26;
  for (std::size_t i = 0; i < t.lines.size(); ++i) {
    if (t.lines[i].empty()) {
      svg.text(left - 8, y + 10, "\xE2\x8B\xAE", "a");
      y += 13;
      continue;
    }
    svg.text(left - 8, y + 13, t.begins[i], "a");
    double x = left;
    int64_t n = 0;
    for (const Cell& cell : t.lines[i]) {
      svg.rect(x, y, t.cell, height, cell.fill);
      svg.text(x + t.cell / 2, y + 13, cell.label, "n");
      x += t.cell + (++n % t.word == 0 ? 6 : 0);
    }
    y += height + 1;
  }
  return y;
}

std::string folder;

bool draw(const Weight& w, const std::vector<Tensor>& tensors) {
  Svg svg;
  svg.text(24, 30, w.title, "t");
  double y = draw_weight(svg, w, 58);
  for (const Tensor& t : tensors) y = draw_tensor(svg, t, y + 34);
  const bool written = svg.write(folder + "/" + w.file + ".svg");
  std::printf("%s %s/%s.svg\n", written ? "wrote" : "could not write", folder.c_str(), w.file.c_str());
  return written;
}

/// The units of a layout, `per_line` in a line; lines that are shown.
template <class L>
Tensor units(std::string name, std::string note, const Weight& w, const L& l, int64_t per_line, int64_t word,
             const std::vector<int64_t>& lines,
             const std::function<std::string(int64_t, int64_t)>& label = at,
             const std::function<int64_t(int64_t, int64_t)>& group = nullptr, double cell = 30) {
  Tensor t{std::move(name), std::move(note), cell, word, {}, {}};
  for (const int64_t line : lines) {
    t.lines.emplace_back();
    t.begins.push_back(line == gap ? "" : "byte " + std::to_string(line * per_line * L::bits() / 8));
    for (int64_t u = 0; line != gap && u < per_line; ++u) {
      const layout::position p = l.position(line * per_line + u);
      const int64_t g = group ? group(p.row, p.column) : w.group(p.row, p.column);
      t.lines.back().push_back({label(p.row, p.column), colour_of(g, w.groups, 0.8)});
    }
  }
  return t;
}

/// One cell for each scale, in the order given.
Tensor scales(std::string name, std::string note, const Weight& w, const std::vector<std::string>& labels,
              const std::vector<int64_t>& groups, double cell, int64_t per_line) {
  Tensor t{std::move(name), std::move(note), cell, per_line, {}, {}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (static_cast<int64_t>(i) % per_line == 0) {
      t.lines.emplace_back();
      t.begins.emplace_back();
    }
    t.lines.back().push_back({labels[i], colour_of(groups[i], w.groups, 0.3)});
  }
  return t;
}

bool modelopt() {
  Weight w{"dialect_modelopt",
           "ModelOpt NVFP4, a weight of [2, 32]",
           range(2),
           {0, 1, 2, 3, gap, 14, 15, 16, 17, gap, 30, 31},
           [](int64_t r, int64_t c) { return r * 2 + c / 16; },
           4};
  return draw(
      w,
      {units("weight   U8 [2, 16]",
             "two E2M1 codes a byte, the low nibble drawn first: it is the even column", w,
             layout::LinearCodes<4>({2, 32}), 16, 2, range(4)),
       scales("weight_scale   F8_E4M3 [2, 2]", "one for 16 columns, row by row; multiplies", w,
              {"row 0, columns 0-15", "row 0, columns 16-31", "row 1, columns 0-15", "row 1, columns 16-31"},
              {0, 1, 2, 3}, 130, 4),
       scales("weight_scale_2   F32 []", "one for the tensor, and for all that are fused with it; multiplies",
              w, {"amax / 2688"}, {-1}, 130, 1)});
}

bool compressed_tensors() {
  Weight w{"dialect_compressed_tensors",
           "compressed-tensors INT4 with zero points, a weight of [8, 64] in groups of 32",
           {0, 1, 2, gap, 7},
           {0, 1, 2, 3, gap, 30, 31, 32, 33, gap, 62, 63},
           [](int64_t r, int64_t c) { return r * 2 + c / 32; },
           16};
  return draw(
      w, {units("weight_packed   I32 [8, 8]",
                "eight columns in a word, the first in the lowest nibble; code + 8", w,
                layout::PackQuantizedWeights<4>({8, 64}), 16, 8, {0, 1, 2, 3, 4, gap}),
          scales("weight_scale   [8, 2], the model's type", "one for 32 columns, row by row; multiplies", w,
                 {"row 0, group 0", "row 0, group 1", "row 1, group 0", "row 1, group 1", "row 2, group 0"},
                 {0, 1, 2, 3, 4}, 96, 5),
          units(
              "weight_zero_point   I32 [1, 2]", "eight rows in a word; zero point + 8", w,
              layout::PackQuantizedZeros<4>({8, 2}), 16, 8, {0},
              [](int64_t r, int64_t g) { return "r" + std::to_string(r) + " g" + std::to_string(g); },
              [](int64_t r, int64_t g) { return r * 2 + g; }, 36)});
}

bool deepseek() {
  Weight w{"dialect_deepseek",
           "DeepSeek FP8, a weight of [320, 256] in tiles of 128 x 128",
           {0, 1, gap, 127, 128, gap, 255, 256, gap, 319},
           {0, 1, 2, gap, 127, 128, 129, gap, 255},
           [](int64_t r, int64_t c) { return r / 128 * 2 + c / 128; },
           6,
           52};
  Tensor weight{"weight   F8_E4M3 [320, 256]", "a byte for each value, row by row", 52, 4, {}, {}};
  for (const int64_t r : {int64_t{0}, int64_t{1}, gap, int64_t{319}}) {
    weight.lines.emplace_back();
    weight.begins.push_back(
        r == gap ? "" : "byte " + std::to_string(layout::LinearCodes<8>({320, 256}).offset(r, 0)));
    for (int64_t c = 0; r != gap && c < 8; ++c)
      weight.lines.back().push_back({at(r, c), colour_of(w.group(r, c), w.groups, 0.8)});
  }
  return draw(w, {weight, scales("weight_scale_inv   F32 [3, 2]",
                                 "one for each tile, those at the lower edge are of 64 rows; multiplies", w,
                                 {"rows 0-127, columns 0-127", "rows 0-127, columns 128-255",
                                  "rows 128-255, columns 0-127", "rows 128-255, columns 128-255",
                                  "rows 256-319, columns 0-127", "rows 256-319, columns 128-255"},
                                 {0, 1, 2, 3, 4, 5}, 178, 2)});
}

bool gpt_oss() {
  Weight w{"dialect_gpt_oss",
           "GPT-OSS gate_up_proj, one expert of [4, 64]",
           range(4),
           {0, 1, 2, 3, gap, 30, 31, 32, 33, gap, 62, 63},
           [](int64_t r, int64_t c) { return r * 2 + c / 32; },
           8};
  w.row_name = [](int64_t r) { return (r % 2 == 0 ? "gate " : "up ") + std::to_string(r / 2); };
  return draw(
      w,
      {units("gate_up_proj_blocks   U8 [experts, 4, 2, 16]",
             "16 bytes are a block of 32 columns; the low nibble drawn first: it is the even column", w,
             layout::LinearCodes<4>({4, 64}), 16, 2, {0, 1, 2, 3, 4, gap}),
       scales("gate_up_proj_scales   U8 [experts, 4, 2]", "2^(byte - 127), one for 32 columns; multiplies", w,
              {"gate 0, 0-31", "gate 0, 32-63", "up 0, 0-31", "up 0, 32-63", "gate 1, 0-31", "gate 1, 32-63",
               "up 1, 0-31", "up 1, 32-63"},
              {0, 1, 2, 3, 4, 5, 6, 7}, 96, 4)});
}

bool gptq() {
  Weight w{"dialect_gptq",
           "GPTQ, a weight of [8, 64] in groups of 32",
           {0, 1, 2, gap, 7},
           {0, 1, gap, 7, 8, gap, 31, 32, gap, 63},
           [](int64_t r, int64_t c) { return r * 2 + c / 32; },
           16};
  const auto of_group = [](int64_t r, int64_t g) { return r * 2 + g; };
  const auto name = [](int64_t r, int64_t g) { return "r" + std::to_string(r) + " g" + std::to_string(g); };
  return draw(
      w,
      {units("qweight   I32 [8, 8]",
             "eight inputs of an output in a word, the first in the lowest nibble; words along the outputs",
             w, layout::GptqWeights<4>({8, 64}), 16, 8, {0, 1, gap, 4, 5, gap}),
       units("qzeros   I32 [2, 1]", "eight outputs in a word, groups one after the other; z - 1 in version 1",
             w, layout::GptqZeros<4>({8, 2}), 8, 8, range(2), name, of_group, 36),
       units("scales   F16 [2, 8]", "transposed as well; multiplies", w, layout::GroupMajorScales<>({8, 2}),
             8, 1, range(2), name, of_group, 36)});
}

bool awq() {
  Weight w{"dialect_awq",
           "AWQ, a weight of [8, 64] in groups of 32",
           range(8),
           {0, 1, 2, gap, 31, 32, gap, 63},
           [](int64_t r, int64_t c) { return r * 2 + c / 32; },
           16};
  const auto of_group = [](int64_t r, int64_t g) { return r * 2 + g; };
  const auto name = [](int64_t r, int64_t g) { return "r" + std::to_string(r) + " g" + std::to_string(g); };
  return draw(
      w, {units("qweight   I32 [64, 1]",
                "eight outputs at one input in a word, in the order 0 2 4 6 1 3 5 7, the lowest nibble first",
                w, layout::AwqWeights({8, 64}), 16, 8, {0, 1, gap, 16, gap}),
          units("qzeros   I32 [2, 1]", "the same order, groups in the place of inputs; z itself", w,
                layout::AwqZeros({8, 2}), 8, 8, range(2), name, of_group, 36),
          units("scales   F16 [2, 8]", "outputs in order; multiplies", w, layout::GroupMajorScales<>({8, 2}),
                8, 1, range(2), name, of_group, 36)});
}

bool bitsandbytes() {
  Weight w{"dialect_bitsandbytes",        "bitsandbytes NF4, a weight of [2, 64]", range(2),
           {0, 1, 2, 3, gap, 61, 62, 63}, [](int64_t r, int64_t) { return r; },    2};
  Tensor codes{"weight   U8 [64, 1]",
               "the flattened matrix; the low nibble drawn first: it is the ODD element",
               30,
               2,
               {},
               {}};
  for (const int64_t line : {int64_t{0}, int64_t{1}, gap, int64_t{4}, gap}) {
    codes.lines.emplace_back();
    codes.begins.push_back(line == gap ? "" : "byte " + std::to_string(line * 8));
    for (int64_t u = 0; line != gap && u < 16; ++u) {
      const int64_t element = line * 16 + (u ^ 1), r = element / 64;
      codes.lines.back().push_back({at(r, element % 64), colour_of(r, 2, 0.8)});
    }
  }
  return draw(
      w,
      {codes,
       scales("weight.absmax   F32 [2]", "one for 64 elements; multiplies", w,
              {"elements 0-63", "elements 64-127"}, {0, 1}, 110, 2),
       scales("weight.quant_map   F32 [16]", "what the codes stand for", w,
              {"-1", "-0.696", "-0.525", "-0.395", "-0.284", "-0.185", "-0.091", "0", "0.080", "0.161",
               "0.246", "0.338", "0.441", "0.563", "0.723", "1"},
              std::vector<int64_t>(16, -1), 44, 16),
       scales("weight.quant_state.bitsandbytes__nf4   U8", "the shape is known from here alone", w,
              {"{\"quant_type\": \"nf4\", \"blocksize\": 64, \"dtype\": \"bfloat16\", \"shape\": [2, 64]}"},
              {-1}, 420, 1)});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER    writes one SVG for each dialect into FOLDER\n", argv[0]);
    return 2;
  }
  folder = argv[1];
  bool ok = modelopt();
  ok &= compressed_tensors();
  ok &= deepseek();
  ok &= gpt_oss();
  ok &= gptq();
  ok &= awq();
  ok &= bitsandbytes();
  return ok ? 0 : 1;
}
