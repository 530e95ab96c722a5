// SPDX-License-Identifier: Apache-2.0
#pragma once

// Compares what nvq encodes with what the owner of a recipe encoded, byte by byte.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nvq/tensor.hpp>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/vectors.hpp"

namespace nvq_test {

/// A matrix of inputs widened to float.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values;

  /// The first n rows, for owners whose outputs were kept for those alone.
  Matrix head(std::size_t n) const {
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(n * columns);
    return {n, columns, std::vector<float>(values.begin(), end)};
  }
};

inline Matrix load_matrix(const Vectors& file, const std::string& name) {
  Matrix m;
  const auto fill = [&m](const auto& tensor) {
    m.rows = tensor.shape.size() > 1 ? tensor.dim(0) : 1;
    m.columns = tensor.shape.back();
    for (const auto& x : tensor) m.values.push_back(nvq::to_float(x));
  };
  const std::string type = file.dtype(name);
  if (type == "BF16")
    fill(file.tensor<nvq::bfloat16>(name));
  else if (type == "F16")
    fill(file.tensor<nvq::half>(name));
  else
    fill(file.tensor<float>(name));
  return m;
}

/// What an owner's bytes differ in from ours.
struct Differences {
  std::size_t codes = 0, scales = 0;  ///< that nothing explains
  std::size_t explained = 0;          ///< codes that `explain` accounts for
  std::string first;                  ///< the first unexplained one

  Differences& operator+=(const Differences& d) {
    codes += d.codes;
    scales += d.scales;
    explained += d.explained;
    if (first.empty()) first = d.first;
    return *this;
  }
};

/// A code that differs: where, of which input, and both codes.
struct CodeDifference {
  std::size_t row, column;
  float x;
  unsigned ours, theirs;
  float block_scale;  ///< decoded
};

inline unsigned code_at(const std::uint8_t* row, std::size_t column, int bits) {
  unsigned code = 0;
  for (int b = 0; b < bits; ++b) {
    const std::size_t bit = column * static_cast<std::size_t>(bits) + static_cast<std::size_t>(b);
    code |= ((row[bit / 8] >> (bit % 8)) & 1u) << b;
  }
  return code;
}

/// Equal bits, or both NaN, whose bits depend on the owner's processor.
inline bool same(float a, float b) {
  return nvq::float_bits(a) == nvq::float_bits(b) || (std::isnan(a) && std::isnan(b));
}
template <class I>
bool same(I a, I b) {
  return a == b;
}

inline bool nothing_explains(const CodeDifference&) { return false; }

/// `codes`, `scales`: the owner's, packed and laid out as nvq's.
template <class F, class Scale, class Explain = bool (*)(const CodeDifference&)>
Differences differences(const Matrix& in, const nvq::quantized<F>& q, const std::vector<std::uint8_t>& codes,
                        const std::vector<Scale>& scales, Explain explain = nothing_explains) {
  Differences d;
  REQUIRE(bool(q));
  REQUIRE(q.codes().size() == codes.size());
  REQUIRE(q.scales().size() == scales.size());
  const int bits = F::element::bits;
  for (std::size_t b = 0; b < scales.size(); ++b)
    if (!same(q.scales()[b], scales[b])) {
      if (d.scales++ == 0)
        d.first += "scale " + std::to_string(b) + ": " + std::to_string(q.scales()[b]) + ", owner " +
                   std::to_string(scales[b]) + "; ";
    }
  const auto row_bytes = static_cast<std::size_t>(F::row_bytes(static_cast<std::int64_t>(in.columns)));
  const auto across = static_cast<std::size_t>(F::scale_columns(static_cast<std::int64_t>(in.columns)));
  for (std::size_t r = 0; r < in.rows; ++r)
    for (std::size_t c = 0; c < in.columns; ++c) {
      const unsigned ours = code_at(q.codes().data() + r * row_bytes, c, bits);
      const unsigned theirs = code_at(codes.data() + r * row_bytes, c, bits);
      if (ours == theirs) continue;
      const std::size_t band = F::block::rows == 0 ? 0 : r / static_cast<std::size_t>(F::block::rows);
      const std::size_t block =
          band * across + (F::block::columns == 0 ? 0 : c / static_cast<std::size_t>(F::block::columns));
      const float scale = F::block_scale::decode(q.scales()[block]);
      if (explain(CodeDifference{r, c, in.values[r * in.columns + c], ours, theirs, scale})) {
        ++d.explained;
        continue;
      }
      if (d.codes++ == 0)
        d.first += "code (" + std::to_string(r) + ", " + std::to_string(c) + ") of " +
                   std::to_string(in.values[r * in.columns + c]) + ": " + std::to_string(ours) + ", owner " +
                   std::to_string(theirs);
    }
  return d;
}

/// How far decoded values are from the owner's, in units of the owner's last place; 0 where both are NaN.
inline double worst_ulp(const std::vector<float>& ours, const std::vector<float>& theirs) {
  REQUIRE(ours.size() == theirs.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(ours[i]) && std::isnan(theirs[i])) continue;
    if (ours[i] == theirs[i]) continue;
    const float ulp = std::nextafter(std::fabs(theirs[i]), INFINITY) - std::fabs(theirs[i]);
    const double d =
        std::fabs(static_cast<double>(ours[i]) - static_cast<double>(theirs[i])) / static_cast<double>(ulp);
    worst = std::isnan(d) ? HUGE_VAL : std::fmax(worst, d);
  }
  return worst;
}

}  // namespace nvq_test
