// SPDX-License-Identifier: Apache-2.0
#include "vectors/sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nvq/float16.hpp>
#include <stdexcept>

namespace app::vectors {

namespace {

/// The amax that gives a tensor scale of 1 under plain recipes.
float unit_amax(const Subject& s) {
  return s.grid.scale == nvq::io::dtype::f8_e4m3 ? 2688.0f : s.grid.largest;
}

/// A matrix of units below each other, filled lane by lane.
class Units {
 public:
  Units(const Grid& grid, std::vector<float>& values) : grid_(grid), values_(values) {}
  /// A unit that begins with these values; the others are 0. Beginning one ends the last.
  void begin(const std::vector<float>& first) {
    at_ = values_.size();
    values_.resize(at_ + static_cast<std::size_t>(grid_.lanes()), 0.0f);
    for (const float x : first) values_[at_++] = x;
  }
  bool full() const { return at_ == values_.size(); }
  void add(float x) { values_[at_++] = x; }

 private:
  const Grid& grid_;
  std::vector<float>& values_;
  std::size_t at_ = 0;
};

void finish(Set& set, const Grid& g) {
  set.columns = g.columns;
  set.rows = static_cast<std::int64_t>(set.input.size()) / g.columns;
}

/// The values that make a unit take this scale.
std::vector<float> anchors(const Grid& g, float scale) {
  if (g.zero_points) return {-7 * scale, 8 * scale};
  return {g.largest * scale};
}

bool finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

std::vector<std::uint8_t> scale_bytes(const Grid& g, float scale, int byte) {
  std::vector<std::uint8_t> bytes(g.scale_bytes(), static_cast<std::uint8_t>(byte));
  if (g.scale == nvq::io::dtype::f32) std::memcpy(bytes.data(), &scale, 4);
  return bytes;
}

Set codes_set(const Subject& s) {
  const Grid& g = s.grid;
  Set set;
  set.what = "every code under every scale, to be decoded";
  set.amax = unit_amax(s);
  std::vector<std::vector<std::uint8_t>> scales;
  if (g.scale == nvq::io::dtype::f32)
    for (const float x : scales_of(g)) scales.push_back(scale_bytes(g, x, 0));
  else
    for (int b = 0; b < (g.scale == nvq::io::dtype::f8_e4m3 ? 128 : 256); ++b)
      scales.push_back(scale_bytes(g, 0, b));
  const int zero_points = g.zero_points ? 16 : 1;
  const std::int64_t each = (static_cast<std::int64_t>(g.codes()) + g.lanes() - 1) / g.lanes();
  set.columns = g.columns;
  set.rows = static_cast<std::int64_t>(scales.size()) * zero_points * each * g.rows;
  std::vector<std::uint8_t> codes;
  for (std::size_t unit = 0; unit < scales.size() * static_cast<std::size_t>(zero_points); ++unit)
    for (std::int64_t i = 0; i < each * g.lanes(); ++i)
      codes.push_back(static_cast<std::uint8_t>(static_cast<std::size_t>(i) % g.codes()));
  set.encoded = s.codec->sized(set.rows, set.columns);
  set.encoded.codes = pack(codes, g.columns, g.bits);
  set.encoded.scales.clear();
  set.encoded.zero_points.clear();
  for (const auto& scale : scales)
    for (int z = 0; z < zero_points; ++z)
      for (std::int64_t i = 0; i < each; ++i) {
        set.encoded.scales.insert(set.encoded.scales.end(), scale.begin(), scale.end());
        if (g.zero_points) set.encoded.zero_points.push_back(static_cast<std::uint8_t>(z));
      }
  return set;
}

Set elements_set(const Subject& s) {
  Set set;
  set.what =
      "all 65536 bfloat16 values, by magnitude; every block begins with the value that makes its scale 1 "
      "where no "
      "other is larger";
  set.amax = unit_amax(s);
  Units units(s.grid, set.input);
  for (std::uint32_t i = 0; i < 65536; ++i) {
    if (i == 0 || units.full()) units.begin(anchors(s.grid, 1));
    units.add(nvq::to_float(nvq::bfloat16::from_bits(static_cast<std::uint16_t>(i >> 1 | (i & 1u) << 15))));
  }
  finish(set, s.grid);
  return set;
}

/// Halfway between neighbouring values of codes, and the floats on both sides.
std::vector<float> ties_of(std::vector<float> values) {
  values.erase(std::remove_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); }),
               values.end());
  std::sort(values.begin(), values.end());
  std::vector<float> ties;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto middle =
        static_cast<float>((static_cast<double>(values[i - 1]) + static_cast<double>(values[i])) / 2);
    if (!(values[i - 1] < values[i])) continue;
    for (const float x : {std::nextafter(middle, -infinity), middle, std::nextafter(middle, infinity)})
      ties.push_back(x);
  }
  return ties;
}

Set ties_set(const Subject& s) {
  Set set;
  const Grid& g = s.grid;
  set.what =
      "for every scale the values halfway between neighbouring codes and the floats on both sides; every "
      "block begins "
      "with the value that its scale is chosen by";
  set.amax = unit_amax(s);
  const float tensor_scale = s.codec->tensor_scales(set.amax).decode;
  Units units(g, set.input);
  for (const float scale : scales_of(g)) {
    const std::vector<float> first = anchors(g, scale);
    if (!finite(first)) continue;
    // The scale is the one the recipe takes, whose codes need not be those of `scale`.
    std::vector<float> probe(static_cast<std::size_t>(g.lanes()));
    std::copy(first.begin(), first.end(), probe.begin());
    Encoded e = s.codec->sized(g.rows, g.columns);
    s.codec->encode(probe.data(), g.rows, g.columns, set.amax, e, {});
    const auto values =
        values_of_codes(s, e.scales.data(), e.zero_points.empty() ? 0 : e.zero_points[0], tensor_scale);
    units.begin(first);
    const float high = first.back(), low = g.zero_points ? first.front() : -high;
    for (const float x : ties_of(values)) {
      if (!(low <= x && x <= high)) continue;  // beyond -127 the code -128 would take another scale
      if (units.full()) units.begin(first);
      units.add(x);
    }
  }
  finish(set, g);
  return set;
}

Set special_set(const Subject& s) {
  Set set;
  const Grid& g = s.grid;
  set.what = "blocks of zeros, NaN, infinities, subnormal, tiny and huge values, one kind after the other";
  set.amax = unit_amax(s);
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  nan = std::numeric_limits<float>::quiet_NaN(), top = std::numeric_limits<float>::max();
  const float least = std::ldexp(1.0f, -149), subnormal = std::ldexp(1.0f, -130),
              normal = std::ldexp(1.0f, -126);
  const std::vector<std::vector<float>> kinds = {
      {},
      {-0.0f, -0.0f, -0.0f, -0.0f},
      {0.0f, -0.0f, 1.0f, -0.0f},
      {nan},
      {1.0f, nan, -2.0f, 0.5f},
      {infinity},
      {-infinity, 1.0f},
      {infinity, -infinity, nan, 1.0f},
      {least},
      {least, -least, subnormal, -subnormal},
      {normal, subnormal, -normal},
      {1e-20f, -1e-21f, 1e-22f},
      {1e-4f, -9e-5f, 8e-5f},
      {1.0f, least, -least, 1e-30f},
      {1e30f, 1.0f, -1e29f},
      {top, -top, 1.0f},
      {top, top, top, top},
      {g.largest, -g.largest, g.largest, -g.largest},
  };
  Units units(g, set.input);
  for (const auto& kind : kinds) units.begin(kind);
  // Units full of one value.
  for (const float x : {-0.0f, nan, least, top, -1.0f}) {
    units.begin({});
    std::fill(set.input.end() - static_cast<std::ptrdiff_t>(g.lanes()), set.input.end(), x);
  }
  finish(set, g);
  return set;
}

/// Near a normal distribution, the same on every machine: sums of twelve uniform values.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  float next() {
    std::uint64_t sum = 0;
    for (int i = 0; i < 12; ++i) {
      state_ += 0x9E3779B97F4A7C15u;  // SplitMix64
      std::uint64_t z = (state_ ^ state_ >> 30) * 0xBF58476D1CE4E5B9u;
      z = (z ^ z >> 27) * 0x94D049BB133111EBu;
      sum += (z ^ z >> 31) >> 44;
    }
    return static_cast<float>(static_cast<std::int64_t>(sum) - 6 * (std::int64_t{1} << 20)) / 1048576.0f;
  }

 private:
  std::uint64_t state_;
};

Set random_set(const char* what, std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
  Set set;
  set.what = what;
  set.rows = rows;
  set.columns = columns;
  Numbers numbers(seed);
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    set.input.push_back(numbers.next() * (i % 97 == 0 ? 16.0f : 1.0f));
    set.amax = std::max(set.amax, std::fabs(set.input.back()));
  }
  return set;
}

}  // namespace

const std::vector<std::string>& set_names() {
  static const std::vector<std::string> names = {"codes", "elements", "ties", "special", "tails", "random"};
  return names;
}

Set make_set(const std::string& name, const Subject& s, std::uint64_t seed) {
  const Grid& g = s.grid;
  Set set;
  if (name == "codes") set = codes_set(s);
  if (name == "elements") set = elements_set(s);
  if (name == "ties") set = ties_set(s);
  if (name == "special") set = special_set(s);
  if (name == "tails")
    set = random_set("rows and columns that end within a block, and within a byte", g.rows + 4,
                     2 * g.columns + g.columns / 4 + 1, seed + 1);
  if (name == "random")
    set = random_set("values near a normal distribution, one of 97 sixteenfold", 64, 512, seed);
  if (set.rows == 0) throw std::logic_error("no set " + name);
  set.name = name;
  return set;
}

}  // namespace app::vectors
