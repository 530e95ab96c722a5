// SPDX-License-Identifier: Apache-2.0
#include "scale_stats.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>

namespace app::check {

namespace {

using nvq::io::dtype;
constexpr int bias = 150;

void count(ScaleStats& s, double x, std::int64_t times) {
  s.count += times;
  if (std::isnan(x)) {
    s.nan += times;
    return;
  }
  if (std::signbit(x) && x != 0) s.negative += times;
  if (std::isinf(x))
    s.infinite += times;
  else if (x == 0)
    s.zero += times;
  else if (x > 0)
    s.binades[static_cast<std::size_t>(std::clamp(std::ilogb(x) + bias, 0, 299))] += times;
}

/// Bytes are counted by value, and each of the 256 is judged once.
void count_bytes(ScaleStats& s, const std::array<std::int64_t, 256>& histogram, dtype type) {
  for (std::size_t b = 0; b < 256; ++b) {
    if (histogram[b] == 0) continue;
    s.only = s.count == 0 ? static_cast<int>(b) : -1;
    if (type == dtype::f8_e4m3) {
      if ((b & 0x80u) != 0) s.negative += b == 0x80u ? 0 : histogram[b];
      if (b == 0x7Eu) s.top += histogram[b];
      count(s, std::fabs(static_cast<double>(nvq::E4M3::decode(static_cast<std::uint8_t>(b)))), histogram[b]);
    } else if (b == 255) {
      s.count += histogram[b];
      s.nan += histogram[b];
    } else {
      count(s, std::ldexp(1.0, static_cast<int>(b) - 127), histogram[b]);
    }
  }
}

}  // namespace

float wide_value(const std::uint8_t* at, dtype type) {
  if (type == dtype::f32) {
    float x;
    std::memcpy(&x, at, 4);
    return x;
  }
  std::uint16_t bits;
  std::memcpy(&bits, at, 2);
  return type == dtype::bf16 ? nvq::to_float(nvq::bfloat16::from_bits(bits))
                             : nvq::to_float(nvq::half::from_bits(bits));
}

double ScaleStats::median() const {
  std::int64_t all = 0, seen = 0;
  for (const std::int64_t n : binades) all += n;
  for (std::size_t i = 0; i < binades.size(); ++i) {
    seen += binades[i];
    if (all != 0 && 2 * seen >= all) return std::ldexp(1.0, static_cast<int>(i) - bias);
  }
  return 0;
}

ScaleStats stats_of(const Snapshot& c, const Entry& t) {
  constexpr std::int64_t piece = std::int64_t{1} << 20;
  ScaleStats s;
  const std::int64_t width = nvq::io::bits(t.type) / 8;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min(piece, t.bytes)));
  std::array<std::int64_t, 256> histogram{};
  for (std::int64_t at = 0; at < t.bytes; at += piece) {
    const std::int64_t n = std::min(piece, t.bytes - at);
    if (!c.read(t, at, n, bytes.data(), Reading::scales)) return s;
    if (width == 1) {
      for (std::int64_t i = 0; i < n; ++i) ++histogram[bytes[static_cast<std::size_t>(i)]];
    } else if (is_wide(t.type)) {
      for (std::int64_t i = 0; i < n; i += width)
        count(s, static_cast<double>(wide_value(bytes.data() + i, t.type)), 1);
    }
  }
  if (width == 1) count_bytes(s, histogram, t.type);
  s.read = true;
  return s;
}

std::vector<float> small_values(const Snapshot& c, const Entry& t) {
  std::vector<float> all;
  if (!is_wide(t.type) || t.bytes > (1 << 20)) return all;
  const auto bytes = c.read(t, Reading::scales);
  const auto width = static_cast<std::size_t>(nvq::io::bits(t.type) / 8);
  for (std::size_t i = 0; i + width <= bytes.size(); i += width)
    all.push_back(wide_value(bytes.data() + i, t.type));
  return all;
}

}  // namespace app::check
