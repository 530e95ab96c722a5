// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

// What rounding to a small number means, from the definition and nothing else: every code's value by the
// textbook formula in double, and a search for the neighbours of x. None of nvq's headers is included here.
//
// All of it is exact: floats and the midpoints of neighbouring values are doubles, and only compared.

namespace oracle {

enum class Round { nearest_even, toward_zero, away_from_zero };

struct Point {
  double value;
  unsigned code;
};

/// The values that magnitudes are rounded to, in ascending order, and the value that would come next if there
/// were one more code: rounding to it is overflow.
struct Line {
  std::vector<Point> points;
  double beyond;
};

/// The points around x, lower <= x < upper. `upper` is empty where it would be Line::beyond.
struct Neighbours {
  Point lower;
  std::optional<Point> upper;
  double upper_value;
};

/// x must lie in [smallest point, beyond).
inline Neighbours neighbours(const Line& line, double x) {
  const auto above = std::upper_bound(line.points.begin(), line.points.end(), x,
                                      [](double v, const Point& p) { return v < p.value; });
  const Point lower = *(above - 1);
  if (above == line.points.end()) return {lower, std::nullopt, line.beyond};
  return {lower, *above, above->value};
}

/// The code that x rounds to; empty on overflow. Below the smallest point everything becomes that point.
inline std::optional<unsigned> round_to_line(const Line& line, double x, Round round) {
  if (x <= line.points.front().value) return line.points.front().code;
  if (x >= line.beyond) {
    if (round == Round::toward_zero && std::isfinite(x)) return line.points.back().code;
    return std::nullopt;
  }
  const Neighbours n = neighbours(line, x);
  if (x == n.lower.value) return n.lower.code;
  bool up = round == Round::away_from_zero;
  if (round == Round::nearest_even) {
    const double middle = (n.lower.value + n.upper_value) / 2;
    up = x > middle || (x == middle && n.lower.code % 2 != 0);
  }
  if (!up) return n.lower.code;
  return n.upper ? std::optional<unsigned>(n.upper->code) : std::nullopt;
}

enum class Specials { none, nan_only, ieee, fnuz };

/// A floating-point element as its specification tells it.
struct FloatSpec {
  int exponent_bits, mantissa_bits, bias;
  Specials specials;
  bool is_signed;
  unsigned nan_code;  ///< what a NaN input becomes: a NaN, or for elements without one the largest value
};

inline double value_of(const FloatSpec& f, unsigned code) {
  const unsigned exponent_ones = (1u << f.exponent_bits) - 1, mantissa_ones = (1u << f.mantissa_bits) - 1;
  const unsigned exponent = (code >> f.mantissa_bits) & exponent_ones, mantissa = code & mantissa_ones;
  const bool negative = f.is_signed && ((code >> (f.exponent_bits + f.mantissa_bits)) & 1u) != 0;
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  if (f.specials == Specials::fnuz && negative && exponent == 0 && mantissa == 0) return nan;
  if (f.specials == Specials::nan_only && exponent == exponent_ones && mantissa == mantissa_ones) return nan;
  if (f.specials == Specials::ieee && exponent == exponent_ones)
    return mantissa != 0 ? nan : negative ? -inf : inf;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, 1 - f.bias - f.mantissa_bits)
                                         : std::ldexp(mantissa + mantissa_ones + 1,
                                                      static_cast<int>(exponent) - f.bias - f.mantissa_bits);
  return negative ? -magnitude : magnitude;
}

/// Every code of a floating-point element, and rounding to it.
class FloatElement {
 public:
  explicit FloatElement(const FloatSpec& spec) : spec_(spec) {
    const unsigned codes = 1u << (spec.exponent_bits + spec.mantissa_bits);
    for (unsigned code = 0; code < codes; ++code) {
      const double value = value_of(spec, code);
      if (std::isfinite(value)) line_.points.push_back({value, code});
      if (std::isinf(value)) infinity_code_ = code;
    }
    const std::size_t n = line_.points.size();
    line_.beyond = 2 * line_.points[n - 1].value - line_.points[n - 2].value;
    sign_ = spec.is_signed ? codes : 0;
  }

  const FloatSpec& spec() const { return spec_; }
  const Line& line() const { return line_; }
  unsigned codes() const {
    return (spec_.is_signed ? 2u : 1u) << (spec_.exponent_bits + spec_.mantissa_bits);
  }
  unsigned max_code() const { return line_.points.back().code; }

  unsigned encode(double x, Round round = Round::nearest_even, bool saturate = true) const {
    if (std::isnan(x)) return spec_.nan_code;
    if (std::signbit(x) && !spec_.is_signed) return 0;
    return finish(round_to_line(line_, std::fabs(x), round), std::signbit(x), saturate);
  }

  /// The code that stochastic rounding gives for a random word: the upper neighbour (in magnitude) when
  /// random / 2^32 is less than the distance of x from the lower one, in units of their gap.
  unsigned encode_stochastic(double x, unsigned random, bool saturate = true) const {
    if (std::isnan(x)) return spec_.nan_code;
    if (std::signbit(x) && !spec_.is_signed) return 0;
    const double a = std::fabs(x);
    if (a >= line_.beyond) return finish(std::nullopt, std::signbit(x), saturate);
    const Neighbours n = neighbours(line_, a);
    if (random >= threshold(x)) return finish(n.lower.code, std::signbit(x), saturate);
    return finish(n.upper ? std::optional<unsigned>(n.upper->code) : std::nullopt, std::signbit(x), saturate);
  }
  /// Random words below this round x upward; |x| < beyond. Exact: the gap is a power of two.
  double threshold(double x) const {
    const Neighbours n = neighbours(line_, std::fabs(x));
    return (std::fabs(x) - n.lower.value) / (n.upper_value - n.lower.value) * 4294967296.0;
  }

 private:
  unsigned finish(std::optional<unsigned> code, bool negative, bool saturate) const {
    const unsigned sign = negative ? sign_ : 0;
    if (!code) {
      if (!saturate && infinity_code_) return *infinity_code_ | sign;
      if (!saturate && spec_.specials != Specials::none) return spec_.nan_code | sign;
      return max_code() | sign;
    }
    if (spec_.specials == Specials::fnuz && *code == 0) return 0;
    return *code | sign;
  }

  FloatSpec spec_;
  Line line_;
  unsigned sign_ = 0;
  std::optional<unsigned> infinity_code_;
};

/// E8M0: 2^(code - 127), 0xFF is NaN; no zero, no sign.
inline double e8m0_value(unsigned code) {
  return code == 0xFF ? std::numeric_limits<double>::quiet_NaN()
                      : std::ldexp(1.0, static_cast<int>(code) - 127);
}
inline unsigned encode_e8m0(double x, Round round, bool saturate) {
  static const Line line = [] {
    Line l{{}, std::ldexp(1.0, 128)};
    for (unsigned code = 0; code < 0xFF; ++code) l.points.push_back({e8m0_value(code), code});
    return l;
  }();
  if (std::isnan(x)) return 0xFF;
  const std::optional<unsigned> code = round_to_line(line, std::fabs(x), round);
  return code ? *code : saturate ? 0xFE : 0xFF;
}

/// A two's complement (or unsigned) integer of `bits` bits: the nearest, ties to even, clamped; NaN is 0.
inline double integer_value(int bits, bool is_signed, unsigned code) {
  const double value = code;
  return is_signed && code >= (1u << (bits - 1)) ? value - std::ldexp(1.0, bits) : value;
}
inline unsigned encode_integer(int bits, bool is_signed, double x) {
  if (std::isnan(x)) return 0;
  double best = std::numeric_limits<double>::infinity();
  unsigned best_code = 0;
  const double limited = std::min(std::max(x, -1024.0), 1024.0);
  for (unsigned code = 0; code < (1u << bits); ++code) {
    const double distance = std::fabs(integer_value(bits, is_signed, code) - limited);
    if (distance < best || (distance == best && code % 2 == 0)) {
      best = distance;
      best_code = code;
    }
  }
  return best_code;
}

}  // namespace oracle
