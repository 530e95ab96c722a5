// SPDX-License-Identifier: Apache-2.0
// Stochastic rounding of tensors: which random word rounds which element.

#include <cmath>
#include <nvq/fp8.hpp>
#include <nvq/mxfp4.hpp>
#include <nvq/random.hpp>

#include "../oracle/bit_stream.hpp"
#include "elements.hpp"

namespace {

nvq::encode_options stochastic(std::uint64_t seed) {
  nvq::encode_options options;
  options.stochastic = true;
  options.seed = seed;
  return options;
}

std::vector<float> matrix(std::size_t n) {
  oracle::Lcg random(n);
  std::vector<float> values;
  for (std::size_t i = 0; i < n; ++i) values.push_back(random.normal());
  return values;
}

}  // namespace

TEST_CASE("element (r, c) takes the random word r * columns + c", "[tensor]") {
  // A row stride and a short last block do not change the index.
  const std::size_t rows = 5, columns = 45, stride = 50;
  const std::vector<float> values = matrix(rows * stride);
  const nvq::matrix_view<const float> view(values.data(), {rows, columns}, stride);
  const auto nearest = nvq::quantize<nvq::MXFP4>(view);
  const auto q = nvq::quantize<nvq::MXFP4>(view, nvq::recipe::rceil, stochastic(99));
  CHECK((q.scales() == nearest.scales()));
  CHECK((q.codes() != nearest.codes()));
  const oracle::FloatElement element(unit::literal<nvq::E2M1>().spec);
  std::vector<std::uint8_t> expected;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      const int exponent = q.scales()[r * 2 + c / 32] - 127;
      const double scaled = std::ldexp(static_cast<double>(values[r * stride + c]), -exponent);
      expected.push_back(static_cast<std::uint8_t>(
          element.encode_stochastic(scaled, nvq::random_bits(99, r * columns + c))));
    }
  CHECK((q.codes() == oracle::pack(expected, rows, columns, 4)));
}

TEST_CASE("the same seed gives the same bytes, another seed others", "[tensor]") {
  const std::vector<float> values = matrix(4096);
  const auto a = nvq::quantize<nvq::FP8_E4M3>(values, {8, 512}, nvq::recipe::amax, stochastic(1));
  const auto b = nvq::quantize<nvq::FP8_E4M3>(values, {8, 512}, nvq::recipe::amax, stochastic(1));
  const auto c = nvq::quantize<nvq::FP8_E4M3>(values, {8, 512}, nvq::recipe::amax, stochastic(2));
  CHECK((a.codes() == b.codes()));
  CHECK((a.codes() != c.codes()));
  CHECK((a.scales() == c.scales()));
}

TEST_CASE("stochastic rounding of a tensor is unbiased", "[tensor]") {
  const std::size_t n = 1 << 16;
  std::vector<float> values(n, 0.3f);
  values[0] = 6.0f;  // scale 1: 0.3 lies between 0 and 0.5
  const auto q = nvq::quantize<nvq::MXFP4>(values, {n / 32, 32}, nvq::recipe::rceil, stochastic(5));
  const std::vector<float> decoded = nvq::dequantize<float>(q);
  double sum = 0;
  for (std::size_t i = 32; i < n; ++i) sum += static_cast<double>(decoded[i]);
  const double mean = sum / static_cast<double>(n - 32);
  // Blocks of 0.3 have scale 2^-4: 4.8 lies between 4 and 6, in units of 1/16, p = 0.4, sigma = 0.0612.
  CHECK(std::fabs(mean - static_cast<double>(0.3f)) < 4 * 0.0613 / std::sqrt(static_cast<double>(n)));
}
