// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nvq/formats.hpp>
#include <nvq/gemv.hpp>
#include <vector>

#include "../oracle/inputs.hpp"
#include "../support/threads.hpp"

// What nvq/gemv.hpp says, column by column: once with its sixteen sums, once in double.

namespace products {

/// A row of weights, taken apart.
struct Row {
  int bits = 0;
  std::size_t block = 0;                 ///< columns
  std::vector<float> code, scale, zero;  ///< of every column
  bool has_zero = false;
};

template <class F>
Row take_row(const nvq::quantized<F>& q, std::size_t r) {
  const auto rows = static_cast<std::size_t>(q.shape().rows()),
             columns = static_cast<std::size_t>(q.shape().columns());
  Row row;
  row.bits = F::element::bits;
  row.block = F::block::columns == 0 ? columns : static_cast<std::size_t>(F::block::columns);
  row.has_zero = F::has_zero_point;
  const std::size_t tall = F::block::rows == 0 ? rows : static_cast<std::size_t>(F::block::rows);
  const std::size_t across = (columns + row.block - 1) / row.block;
  const std::uint8_t* bytes = q.codes().data() + r * ((columns * F::element::bits + 7) / 8);
  for (std::size_t c = 0; c < columns; ++c) {
    unsigned code = 0;
    for (std::size_t b = 0; b < F::element::bits; ++b) {
      const std::size_t bit = c * F::element::bits + b;
      code |= static_cast<unsigned>(bytes[bit / 8] >> bit % 8 & 1) << b;
    }
    const std::size_t block = r / tall * across + c / row.block;
    row.code.push_back(F::element::decode(static_cast<std::uint8_t>(code)));
    if constexpr (nvq::detail::is_packed_scale<typename F::block_scale>::value)
      row.scale.push_back(nvq::detail::load_double_quantized(
          q.scales().data(), static_cast<std::int64_t>(across * ((rows + tall - 1) / tall)),
          static_cast<std::int64_t>(block)));
    else
      row.scale.push_back(F::block_scale::decode(q.scales()[block]));
    row.zero.push_back(F::has_zero_point ? static_cast<float>(q.zero_points()[block]) : 0.0f);
  }
  return row;
}

inline float in_order(const Row& row, const std::vector<float>& x) {
  float sums[16] = {};
  std::size_t begin = 0;
  while (begin < x.size()) {
    const std::size_t end =
        std::min({(begin / row.block + 1) * row.block, (begin / 128 + 1) * 128, x.size()});
    for (std::size_t lane = 0; lane < 16; ++lane) {
      std::vector<std::size_t> columns;
      for (std::size_t c = begin; c < end; ++c)
        if ((row.bits == 4 ? c / 8 : c) % 16 == lane) columns.push_back(c);
      if (columns.empty()) continue;
      float product = row.code[columns[0]] * x[columns[0]], plain = x[columns[0]];
      for (std::size_t i = 1; i < columns.size(); ++i) {
        product = std::fma(row.code[columns[i]], x[columns[i]], product);
        plain += x[columns[i]];
      }
      if (row.has_zero) product = std::fma(-row.zero[begin], plain, product);
      sums[lane] = std::fma(product, row.scale[begin], sums[lane]);
    }
    begin = end;
  }
  for (std::size_t n = 8; n > 0; n /= 2)
    for (std::size_t i = 0; i < n; ++i) sums[i] += sums[i + n];
  return sums[0];
}

/// The sum in double and what its error is measured by: the sum of magnitudes, zero points and codes apart.
struct Exact {
  double sum = 0.0, magnitudes = 0.0;
};
inline Exact exact(const Row& row, const std::vector<float>& x) {
  Exact e;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double code = double(row.code[c]), zero = double(row.zero[c]),
                 by = double(row.scale[c]) * double(x[c]);
    e.sum += (code - zero) * by;
    e.magnitudes += (std::fabs(code) + std::fabs(zero)) * std::fabs(by);
  }
  return e;
}

/// Rounded operations that a product can go through in turn, and one for each of the sum's own.
inline double bound(std::size_t columns) { return (static_cast<double>(columns) / 16.0 + 32.0) * 0x1p-24; }

inline std::vector<float> normal(std::size_t n, std::uint32_t seed) {
  oracle::Lcg random(seed);
  std::vector<float> values(n);
  for (float& v : values) v = random.normal();
  return values;
}

inline std::vector<nvq::Isa> tiers() {
  std::vector<nvq::Isa> available;
  for (const nvq::Isa isa : {nvq::Isa::scalar, nvq::Isa::neon, nvq::Isa::avx2, nvq::Isa::avx512})
    if (nvq::isa_available(isa)) available.push_back(isa);
  return available;
}

/// Every tier, and the one in use before afterwards.
template <class Fn>
void for_each_tier(Fn fn) {
  const nvq::Isa before = nvq::active_isa();
  for (const nvq::Isa isa : tiers()) {
    nvq::set_isa(isa);
    fn(isa);
  }
  nvq::set_isa(before);
}

}  // namespace products
