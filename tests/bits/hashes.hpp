// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <nvq/formats.hpp>
#include <nvq/metrics.hpp>
#include <tuple>
#include <type_traits>
#include <vector>

// Hashes of everything that quantizing, decoding and measuring give, for every format and recipe. Every
// compiler, optimisation level and processor must print hashes.txt. Inputs are made with integer arithmetic
// only.

namespace bits {

/// 64-bit FNV-1a.
class Fnv {
 public:
  void add(std::uint32_t word) {
    for (int i = 0; i < 4; ++i) hash_ = (hash_ ^ (word >> (8 * i) & 0xFFu)) * 0x100000001B3u;
  }
  void add(std::uint64_t word) {
    add(static_cast<std::uint32_t>(word));
    add(static_cast<std::uint32_t>(word >> 32));
  }
  // NaNs are alike: processors differ in the sign and payload of the ones they make.
  void add(float x) { add(nvq::is_nan(x) ? 0x7FC00000u : nvq::float_bits(x)); }
  void add(double x) { add(x != x ? 0x7FF8000000000000u : nvq::bit_cast<std::uint64_t>(x)); }
  template <class T>
  void add(const std::vector<T>& values) {
    for (const T& x : values)
      if constexpr (std::is_same<T, float>::value)
        add(x);
      else
        add(static_cast<std::uint32_t>(x));
  }
  unsigned long long value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

constexpr std::int64_t rows = 41, columns = 331, stride = 337;  // no multiple of any block

inline std::uint32_t mix(std::uint32_t x) {
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

/// weights: magnitudes as weights have them, with rows of every order of magnitude, of few distinct values,
/// of zeros with one outlier, of subnormals. not_finite: the same with NaN and infinities in some blocks.
/// ties: small multiples of powers of two. tiny, huge: near the ends of float.
enum class Kind { weights, not_finite, ties, tiny, huge, zero };

inline std::vector<float> make_input(Kind kind) {
  std::vector<float> values(static_cast<std::size_t>(rows * stride));
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const std::uint32_t row = i / stride, column = i % stride, random = mix(i + 1);
    const std::uint32_t sign = random & 0x80000000u, mantissa = random & 0x007FFFFFu;
    std::uint32_t exponent = 119 + mix(random) % 8;  // 2^-8 ... 1/2
    if (kind == Kind::weights || kind == Kind::not_finite) {
      if (row % 8 == 3) exponent = 1 + random % 253;
      if (row % 8 == 4) exponent = 20 + row;
    }
    if (kind == Kind::tiny) exponent = random % 7;
    if (kind == Kind::huge) exponent = 247 + random % 8;
    std::uint32_t bits = sign | exponent << 23 | mantissa;
    if (kind == Kind::weights || kind == Kind::not_finite) {
      if (row % 8 == 5) bits = sign | exponent << 23 | (mantissa & 0x00700000u);
      if (row % 8 == 6) bits = column % 47 == 13 ? bits : sign;
      if (row % 8 == 7 && column % 29 == 3) bits = sign | (mantissa & 0xFFu);
    }
    if (kind == Kind::not_finite && row % 8 == 2 && column % 101 == 7)
      bits = column % 2 != 0 ? 0x7FC00000u : sign | 0x7F800000u;
    if (kind == Kind::ties)
      bits = nvq::float_bits(static_cast<float>(static_cast<int>(random % 97) - 48) * nvq::exp2i(-5));
    if (kind == Kind::zero) bits = sign;
    values[i] = nvq::float_from_bits(bits);
  }
  return values;
}

/// Hashes of one line: codes, scales with zero points and tensor scale, decoded values, error figures.
template <class F>
struct Line {
  Fnv codes, scales, decoded, errors;

  void add(nvq::matrix_view<const float> input, const nvq::quantized<F>& q) {
    codes.add(q.codes());
    scales.add(q.scales());
    scales.add(q.zero_points());
    scales.add(q.tensor_scale());
    decoded.add(nvq::dequantize<float>(q));
    const auto e = nvq::measure(input, q);
    for (const double x : {e.signal, e.noise, e.decoded, e.product, e.max_abs_error, e.max_rel_error, e.mse(),
                           e.nmse(), e.cosine(), e.worst_signal, e.worst_noise})
      errors.add(x);
    for (const std::int64_t n : {e.count, e.flushed, e.not_finite, e.clipped, e.blocks, e.worst_block})
      errors.add(static_cast<std::uint64_t>(n));
    for (const std::int64_t n : e.histogram.count) errors.add(static_cast<std::uint64_t>(n));
    for (const std::int64_t n : e.scales.code) errors.add(static_cast<std::uint64_t>(n));
  }
  void print(const char* recipe, const char* what) const {
    std::printf("%-23s %-23s %-10s %016llx %016llx %016llx %016llx\n", nvq::format_name<F>, recipe, what,
                codes.value(), scales.value(), decoded.value(), errors.value());
  }
};

template <class F, class R>
void print(const char* what, std::initializer_list<Kind> kinds, R recipe,
           const nvq::encode_options& options = {}) {
  Line<F> line;
  for (const Kind kind : kinds) {
    const std::vector<float> input = make_input(kind);
    const nvq::matrix_view<const float> view(input.data(), {rows, columns}, stride);
    line.add(view, nvq::quantize<F>(view, recipe, options));
  }
  line.print(R::name(), what);
}

/// The error of every candidate of a searching recipe. The scales that win hide most differences of a last
/// bit.
template <class F, class R>
void print_candidates(R recipe, nvq::span<const float> importance) {
  using rules = nvq::detail::rules_t<R, F>;
  constexpr std::int64_t block = 32;
  Fnv plain, weighted;
  for (const Kind kind : {Kind::weights, Kind::ties}) {
    const std::vector<float> input = make_input(kind);
    const nvq::TensorScales ts = nvq::tensor_scales<F>(nvq::amax(input), recipe);
    for (std::size_t i = 0; i + block < input.size() / 4; i += block) {
      const nvq::detail::contiguous_values values{input.data() + i, block};
      const auto s = nvq::detail::block_statistic<typename rules::statistic>(values);
      for (int c = 0; c < rules::template candidates<F>(s, ts); ++c) {
        const auto scale = rules::template candidate<F>(c, s, ts);
        plain.add(nvq::detail::block_error<F, rules>(values, {nullptr}, scale, s, ts));
        weighted.add(nvq::detail::block_error<F, rules>(values, {importance.data()}, scale, s, ts));
      }
    }
  }
  std::printf("%-23s %-23s candidates %016llx %016llx\n", nvq::format_name<F>, R::name(), plain.value(),
              weighted.value());
}

template <class F, class R>
void print_recipe(R recipe) {
  if constexpr (nvq::supports_v<R, F>) {
    print<F>("weights", {Kind::weights}, recipe);
    print<F>("not finite", {Kind::not_finite}, recipe);
    print<F>("extreme", {Kind::ties, Kind::tiny, Kind::huge, Kind::zero}, recipe);
    if constexpr (nvq::detail::is_search<nvq::detail::rules_t<R, F>, F>::value) {
      std::vector<float> importance(static_cast<std::size_t>(columns));
      for (std::uint32_t i = 0; i < columns; ++i) importance[i] = static_cast<float>(mix(i) % 1000) * 0.01f;
      nvq::encode_options options;
      options.importance = importance;
      print<F>("importance", {Kind::weights, Kind::ties}, recipe, options);
      print_candidates<F>(recipe, importance);
    }
  }
}

template <class F, class... R>
void print_recipes(std::tuple<R...>) {
  (print_recipe<F>(R{}), ...);
}

template <class F>
void print_format() {
  print_recipes<F>(nvq::AllRecipes{});
  if constexpr (nvq::detail::has_stochastic<typename F::element>::value) {
    nvq::encode_options options;
    options.stochastic = true;
    options.seed = 42;
    print<F>("stochastic", {Kind::weights, Kind::ties}, nvq::default_recipe<F>{}, options);
  }
}

}  // namespace bits
