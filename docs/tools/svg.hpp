// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

/// What the programs that draw the pictures of the docs share: colours and a picture of rectangles and texts, on white, so
/// that it can be read on a dark page, too.
namespace docs {

using std::int64_t;

constexpr int64_t gap = -1;  // in a list of rows or lines: "and so on"

/// 0, 1, ... n-1, each followed by `then`.
inline std::vector<int64_t> range(int64_t n, std::vector<int64_t> then = {}) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < n; ++i) all.push_back(i);
  all.insert(all.end(), then.begin(), then.end());
  return all;
}

struct Colour {
  double hue;    // in turns
  double light;  // 0 dark .. 1 pale
};

inline std::string hex(Colour colour) {
  const double saturation = 0.62, lightness = 0.58 + 0.26 * colour.light;
  const double chroma = (1 - std::abs(2 * lightness - 1)) * saturation;
  char text[8];
  int channel[3];
  for (int i = 0; i < 3; ++i) {
    const double shift = std::fmod(colour.hue * 12 + (i == 0 ? 0 : i == 1 ? 8 : 4), 12.0);
    const double weight = std::max(-1.0, std::min({shift - 3, 9 - shift, 1.0}));
    channel[i] = static_cast<int>(std::lround(255 * (lightness - chroma / 2 * weight)));
  }
  std::snprintf(text, sizeof text, "#%02x%02x%02x", channel[0] & 255, channel[1] & 255, channel[2] & 255);
  return text;
}

class Svg {
 public:
  void rect(double x, double y, double w, double h, const std::string& fill, const char* stroke = "#ffffff") {
    grow(x + w, y + h);
    body_ += "<rect x='" + number(x) + "' y='" + number(y) + "' width='" + number(w) + "' height='" +
             number(h) + "' fill='" + fill + "' stroke='" + stroke + "'/>\n";
  }
  void text(double x, double y, const std::string& content, const char* style) {
    const double letter = *style == 't'   ? 10.0
                          : *style == 'b' ? 8.0
                          : *style == 's' ? 6.9
                                          : 0;  // of the left-aligned styles
    grow(x + letter * static_cast<double>(content.size()), y);
    body_ +=
        "<text x='" + number(x) + "' y='" + number(y) + "' class='" + style + "'>" + content + "</text>\n";
  }
  double width() const { return width_; }
  double height() const { return height_; }

  bool write(const std::string& path) const {
    const std::string w = number(width_ + 24), h = number(height_ + 24);
    std::ofstream file(path);
    file << "<svg xmlns='http://www.w3.org/2000/svg' width='" << w << "' height='" << h << "' viewBox='0 0 "
         << w << " " << h << "'>\n<style>text{font-family:DejaVu Sans,Helvetica,Arial,sans-serif;fill:#222}"
         << ".t{font-size:16px;font-weight:bold}.b{font-size:12px;font-weight:bold}.s{font-size:12px;fill:#"
            "555}"
         << ".n{font-size:10px;text-anchor:middle}.a{font-size:10px;text-anchor:end;fill:#777}"
         << ".c{font-size:10px;text-anchor:middle;fill:#777}</style>\n"
         << "<defs><pattern id='pad' width='6' height='6' patternUnits='userSpaceOnUse' "
         << "patternTransform='rotate(45)'><rect width='6' height='6' fill='#f0f0f0'/>"
         << "<rect width='1.5' height='6' fill='#cccccc'/></pattern></defs>\n"
         << "<rect width='100%' height='100%' fill='#ffffff'/>\n"
         << body_ << "</svg>\n";
    return static_cast<bool>(file);
  }

 private:
  static std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", x);
    return text;
  }
  void grow(double x, double y) {
    width_ = std::max(width_, x);
    height_ = std::max(height_, y);
  }
  std::string body_;
  double width_ = 0, height_ = 0;
};

}  // namespace docs
