// SPDX-License-Identifier: Apache-2.0
#include "report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "report/svg.hpp"
#include "table.hpp"

namespace app::report {

namespace {

constexpr double width = 920;

/// SQNR of cells (row, layer), from the weights in each.
using Cells = std::map<std::pair<std::string, std::int64_t>, double>;
Cells cells_of(const std::vector<TensorRecord>& tensors,
               const std::function<std::string(const TensorRecord&)>& row) {
  std::map<std::pair<std::string, std::int64_t>, std::vector<const TensorRecord*>> members;
  for (const TensorRecord& t : tensors)
    if (t.layer >= 0 && t.noise > 0 && t.signal > 0) members[{row(t), t.layer}].push_back(&t);
  Cells cells;
  for (const auto& [key, all] : members) cells[key] = merged(all).sqnr_db();
  return cells;
}

struct Range {
  double low = 1e300, high = -1e300;
  void add(double x) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  double part(double x) const { return high > low ? (x - low) / (high - low) : 0.5; }
};
Range range_of(const Cells& cells) {
  Range r;
  for (const auto& [key, db] : cells) r.add(db);
  return r;
}

/// Every how manieth of `count` labels there is room for.
std::size_t stride(std::size_t count, double room, double each) {
  return std::max<std::size_t>(1,
                               static_cast<std::size_t>(std::ceil(static_cast<double>(count) * each / room)));
}

void y_axis(Svg& svg, const Range& r, double left, double right, double top, double bottom,
            const char* unit) {
  for (const double t : ticks(r.low, r.high, 5)) {
    const double y = bottom - (bottom - top) * r.part(t);
    svg.line(left, y, right, y);
    svg.text(left - 6, y + 4, fmt::format("{:g}", t), "end", "muted");
  }
  svg.text(left - 44, (top + bottom) / 2, unit, "middle", "muted", -90);
}

}  // namespace

std::string heat_map(const std::vector<TensorRecord>& tensors) {
  const Cells cells = cells_of(tensors, [](const TensorRecord& t) { return leaf_of(t.name); });
  if (cells.empty()) return {};
  std::vector<std::string> rows;  // in the order of the model
  std::set<std::int64_t> layers;
  for (const TensorRecord& t : tensors)
    if (cells.count({leaf_of(t.name), t.layer}) != 0) {
      layers.insert(t.layer);
      if (std::find(rows.begin(), rows.end(), leaf_of(t.name)) == rows.end()) rows.push_back(leaf_of(t.name));
    }
  std::size_t longest = 0;
  for (const std::string& r : rows) longest = std::max(longest, r.size());
  const double left = 20 + 7.2 * static_cast<double>(longest), high = 22, top = 44,
               each = std::min(44.0, (width - left - 10) / static_cast<double>(layers.size()));
  const Range range = range_of(cells);
  Svg svg(width, top + high * static_cast<double>(rows.size()) + 34);

  svg.text(left, 14, fmt::format("{:.1f} dB", range.low), "start", "muted");
  for (int i = 0; i < 60; ++i) svg.rect(left + 60 + i * 3, 4, 3.2, 12, ramp_colour(i / 59.0));
  svg.text(left + 248, 14, fmt::format("{:.1f} dB, better", range.high), "start", "muted");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const double y = top - 14 + high * static_cast<double>(r);
    svg.text(left - 8, y + 15, rows[r], "end");
    std::size_t column = 0;
    for (const std::int64_t layer : layers) {
      const auto at = cells.find({rows[r], layer});
      const double x = left + each * static_cast<double>(column++);
      if (at != cells.end())
        svg.rect(x, y, std::max(0.8 * each, each - 1), high - 1, ramp_colour(range.part(at->second)),
                 fmt::format("layer {}, {}: {:.2f} dB", layer, rows[r], at->second));
    }
  }
  std::size_t column = 0;
  const std::size_t every = stride(layers.size(), width - left, 30);
  const double below = top + high * static_cast<double>(rows.size()) + 4;
  for (const std::int64_t layer : layers) {
    if (column % every == 0)
      svg.text(left + each * (static_cast<double>(column) + 0.5), below, std::to_string(layer), "middle",
               "muted");
    ++column;
  }
  svg.text(left, below + 18, "layer", "start", "muted");
  return svg.str("SQNR of every kind of weight in every layer");
}

std::string lines_by_layer(const std::vector<TensorRecord>& tensors) {
  const Cells cells = cells_of(tensors, [](const TensorRecord& t) { return t.kind; });
  if (cells.empty()) return {};
  std::set<std::string> kinds;
  Range layers;
  for (const auto& [key, db] : cells) {
    kinds.insert(key.first);
    layers.add(static_cast<double>(key.second));
  }
  Range range = range_of(cells);
  const double margin = std::max(0.25, 0.08 * (range.high - range.low));
  range.add(range.low - margin);
  range.add(range.high + margin);
  const double left = 60, right = width - 10, top = 34, bottom = 250;
  Svg svg(width, 290);
  y_axis(svg, range, left, right, top, bottom, "SQNR, dB");
  const auto x_of = [&](std::int64_t layer) {
    return left + 14 + (right - left - 28) * layers.part(static_cast<double>(layer));
  };
  for (const double t : ticks(layers.low, layers.high, 12))
    if (t == std::floor(t))
      svg.text(x_of(static_cast<std::int64_t>(t)), bottom + 18, fmt::format("{:g}", t), "middle", "muted");
  svg.text(left, bottom + 34, "layer", "start", "muted");
  std::size_t n = 0;
  double legend = left;
  for (const std::string& kind : kinds) {
    const std::string& colour = category_colour(n++);
    std::vector<std::pair<double, double>> points;
    for (const auto& [key, db] : cells)
      if (key.first == kind) points.emplace_back(x_of(key.second), bottom - (bottom - top) * range.part(db));
    svg.polyline(points, colour);
    for (const auto& [key, db] : cells)
      if (key.first == kind)
        svg.dot(x_of(key.second), bottom - (bottom - top) * range.part(db), 3.5, colour,
                fmt::format("layer {}, {}: {:.2f} dB", key.second, kind, db));
    svg.rect(legend, 6, 12, 12, colour);
    svg.text(legend + 17, 16, kind);
    legend += 40 + 7.5 * static_cast<double>(kind.size());
  }
  return svg.str("SQNR of each class, layer by layer");
}

std::string histogram(const ScaleHistogram& h) {
  std::size_t first = h.bars.size(), last = 0;
  std::int64_t most = 0, total = 0;
  for (std::size_t i = 0; i < h.bars.size(); ++i) {
    if (h.bars[i].second == 0) continue;
    first = std::min(first, i);
    last = i;
    most = std::max(most, h.bars[i].second);
    total += h.bars[i].second;
  }
  if (total == 0) return {};
  const auto count = last - first + 1;
  const double left = 60, right = width - 10, top = 12, bottom = 210;
  Svg svg(width, 262);
  Range range;
  range.add(0);
  range.add(100.0 * static_cast<double>(most) / static_cast<double>(total));
  y_axis(svg, range, left, right, top, bottom, "% of scales");
  const double each = std::min(48.0, (right - left) / static_cast<double>(count));
  const std::size_t every = stride(count, right - left, 46);
  for (std::size_t i = first; i <= last; ++i) {
    const double x = left + each * static_cast<double>(i - first),
                 share = 100.0 * static_cast<double>(h.bars[i].second) / static_cast<double>(total),
                 high = (bottom - top) * range.part(share);
    svg.rect(x, bottom - high, std::max(0.8 * each, each - 1), high, category_colour(0),
             fmt::format("{}: {} scales, {:.3f} %", h.bars[i].first, with_commas(h.bars[i].second), share));
    if ((i - first) % every == 0) svg.text(x + each / 2, bottom + 18, h.bars[i].first, "middle", "muted");
  }
  svg.line(left, bottom, right, bottom, "axis");
  svg.text(left, bottom + 40, h.axis, "start", "muted");
  return svg.str(h.title);
}

std::string keep_curve(const std::vector<KeepChoice>& choices) {
  if (choices.empty()) return {};
  const double left = 60, right = width - 10, top = 12, bottom = 220;
  double total = 0;
  for (const KeepChoice& c : choices) total += static_cast<double>(c.extra_bytes) / 1e6;
  Range x, y;
  x.add(0);
  x.add(total);
  y.add(0);
  y.add(100);
  Svg svg(width, 268);
  y_axis(svg, y, left, right, top, bottom, "% of noise left");
  for (const double t : ticks(0, total, 8))
    svg.text(left + (right - left) * x.part(t), bottom + 18, fmt::format("{:g}", t), "middle", "muted");
  svg.text(left, bottom + 40, "MB more, keeping the best groups first", "start", "muted");
  std::vector<std::pair<double, double>> points;
  double megabytes = 0, rest = 100;
  const auto add = [&] {
    points.emplace_back(left + (right - left) * x.part(megabytes), bottom - (bottom - top) * y.part(rest));
  };
  add();
  for (const KeepChoice& c : choices) {
    megabytes += static_cast<double>(c.extra_bytes) / 1e6;
    rest -= 100 * c.share;
    add();
  }
  svg.line(left, top, right, bottom, "axis");
  svg.polyline(points, category_colour(1));
  const std::size_t marked = std::min<std::size_t>(choices.size(), 40);
  megabytes = 0;
  rest = 100;
  for (std::size_t i = 0; i < marked; ++i) {
    megabytes += static_cast<double>(choices[i].extra_bytes) / 1e6;
    rest -= 100 * choices[i].share;
    svg.dot(
        points[i + 1].first, points[i + 1].second, 3, category_colour(1),
        fmt::format("and {}: {:.2f} MB, {:.1f} % left", choices[i].group, megabytes, std::max(0.0, rest)));
  }
  return svg.str("Relative noise left over the bytes that keeping weights costs");
}

}  // namespace app::report
