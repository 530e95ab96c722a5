// SPDX-License-Identifier: Apache-2.0
#include "report/scale_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>

namespace app::report {

namespace {

using nvq::io::dtype;

/// Where a wide scale is counted: its binary exponent, 127 of them below and 128 above 0; 0 and NaN first.
std::size_t bin_of(float scale) {
  if (!(scale != 0.0f) || !std::isfinite(scale)) return 0;
  return static_cast<std::size_t>(std::clamp(std::ilogb(scale) + 127, 0, 255));
}

template <class T, class Counts>
void count_wide(const std::vector<std::uint8_t>& scales, Counts& counts) {
  for (std::size_t i = 0; i + sizeof(T) <= scales.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, scales.data() + i, sizeof(T));
    ++counts[bin_of(static_cast<float>(value))];
  }
}

}  // namespace

void ScaleCounts::add(const std::string& format, dtype type, const std::vector<std::uint8_t>& scales) {
  if (scales.empty()) return;
  Counts counts{};
  switch (type) {
    case dtype::f32:
      count_wide<float>(scales, counts);
      break;
    case dtype::f16:
      count_wide<nvq::half>(scales, counts);
      break;
    case dtype::bf16:
      count_wide<nvq::bfloat16>(scales, counts);
      break;
    default:
      for (const std::uint8_t s : scales) ++counts[s];
  }
  const std::lock_guard lock(mutex_);
  Counts& all = counts_[{format, type}];
  for (std::size_t i = 0; i < all.size(); ++i) all[i] += counts[i];
}

std::vector<ScaleHistogram> ScaleCounts::histograms() const {
  std::vector<ScaleHistogram> all;
  for (const auto& [key, counts] : counts_) {
    const bool e4m3 = key.second == dtype::f8_e4m3, wide = nvq::io::bits(key.second) > 8;
    ScaleHistogram h;
    h.title = fmt::format("{} scales of {}",
                          e4m3   ? "E4M3"
                          : wide ? nvq::io::name(key.second)
                                 : "E8M0",
                          key.first);
    h.axis = e4m3 ? "scale, one bar per code" : "scale, one bar per power of two";
    for (std::size_t i = 0; i < counts.size(); ++i)
      h.bars.emplace_back(
          e4m3 ? fmt::format("{:.3g}", static_cast<double>(nvq::E4M3::decode(static_cast<std::uint8_t>(i))))
               : fmt::format("2^{}", static_cast<int>(i) - 127),
          counts[i]);
    all.push_back(std::move(h));
  }
  return all;
}

}  // namespace app::report
