// SPDX-License-Identifier: Apache-2.0
#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace app::report {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Other control characters are not allowed in XML.
        out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    }
  }
  return out;
}

namespace {
std::string with_tip(const std::string& element, const std::string& name, const std::string& tip) {
  return tip.empty() ? element + "/>\n"
                     : fmt::format("{}><title>{}</title></{}>\n", element, escaped(tip), name);
}
}  // namespace

void Svg::rect(double x, double y, double w, double h, const std::string& fill, const std::string& tip) {
  body_ += with_tip(fmt::format(R"(<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" fill="{}")", x,
                                y, w, h, fill),
                    "rect", tip);
}

void Svg::line(double x1, double y1, double x2, double y2, const char* kind) {
  body_ += fmt::format(R"(<line class="{}" x1="{:.2f}" y1="{:.2f}" x2="{:.2f}" y2="{:.2f}"/>)", kind, x1, y1,
                       x2, y2) +
           '\n';
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, const std::string& stroke) {
  std::string list;
  for (const auto& [x, y] : points) list += fmt::format("{:.2f},{:.2f} ", x, y);
  body_ +=
      fmt::format(R"(<polyline fill="none" stroke="{}" stroke-width="2" points="{}"/>)", stroke, list) + '\n';
}

void Svg::dot(double x, double y, double radius, const std::string& fill, const std::string& tip) {
  body_ +=
      with_tip(fmt::format(R"(<circle cx="{:.2f}" cy="{:.2f}" r="{:.1f}" fill="{}")", x, y, radius, fill),
               "circle", tip);
}

void Svg::text(double x, double y, const std::string& what, const char* anchor, const char* kind,
               double turned) {
  const std::string turn =
      turned == 0 ? "" : fmt::format(" transform=\"rotate({:.0f} {:.2f} {:.2f})\"", turned, x, y);
  body_ += fmt::format(R"(<text class="{}" x="{:.2f}" y="{:.2f}" text-anchor="{}"{}>{}</text>)", kind, x, y,
                       anchor, turn, escaped(what)) +
           '\n';
}

std::string Svg::str(const std::string& what) const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" "
      "height=\"{:.0f}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
      width_, height_, width_, height_, escaped(what), body_);
}

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low) || !std::isfinite(high - low)) return {low};
  const double rough = (high - low) / count, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double s : {5.0, 2.0, 1.0})
    if (s * power >= rough) step = s * power;
  std::vector<double> all;
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i < 4 * count; ++i) {
    const double at = (first + i) * step;
    if (at > high + step * 1e-9) break;
    all.push_back(at);
  }
  return all;
}

const std::string& category_colour(std::size_t i) {
  static const std::array<std::string, 7> all = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#e69f00", "#56b4e9", "#7f7f7f"};
  return all[i % all.size()];
}

std::string ramp_colour(double x) {
  static constexpr std::array<std::array<double, 3>, 9> stops = {{{68, 1, 84},
                                                                  {71, 44, 122},
                                                                  {59, 81, 139},
                                                                  {44, 113, 142},
                                                                  {33, 144, 141},
                                                                  {39, 173, 129},
                                                                  {92, 200, 99},
                                                                  {170, 220, 50},
                                                                  {253, 231, 37}}};
  const double at = std::clamp(std::isnan(x) ? 0.0 : x, 0.0, 1.0) * (stops.size() - 1);
  const auto low = std::min(static_cast<std::size_t>(at), stops.size() - 2);
  const double part = at - static_cast<double>(low);
  std::array<int, 3> c{};
  for (std::size_t i = 0; i < 3; ++i)
    c[i] = static_cast<int>(std::lround(stops[low][i] + part * (stops[low + 1][i] - stops[low][i])));
  return fmt::format("#{:02x}{:02x}{:02x}", c[0], c[1], c[2]);
}

}  // namespace app::report
