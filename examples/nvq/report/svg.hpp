// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace app::report {

/// Text as it may stand in HTML and SVG.
std::string escaped(const std::string& text);

/// A picture for an HTML page, whose style sheet has the classes axis, label, muted and grid.
class Svg {
 public:
  Svg(double width, double height) : width_(width), height_(height) {}

  /// `tip` is shown when the pointer rests on it.
  void rect(double x, double y, double w, double h, const std::string& fill, const std::string& tip = {});
  void line(double x1, double y1, double x2, double y2, const char* kind = "grid");
  void polyline(const std::vector<std::pair<double, double>>& points, const std::string& stroke);
  void dot(double x, double y, double radius, const std::string& fill, const std::string& tip = {});
  /// `anchor`: start, middle or end.
  void text(double x, double y, const std::string& what, const char* anchor = "start",
            const char* kind = "label", double turned = 0);
  /// `what` is read to those who cannot see it.
  std::string str(const std::string& what) const;

 private:
  double width_, height_;
  std::string body_;
};

/// Round values that divide [low, high] into about `count` steps.
std::vector<double> ticks(double low, double high, int count);

/// Of categories, told apart by colour-blind readers too (Okabe and Ito's palette).
const std::string& category_colour(std::size_t i);
/// Dark violet at 0 to yellow at 1, as bright as they are high (viridis).
std::string ramp_colour(double x);

}  // namespace app::report
