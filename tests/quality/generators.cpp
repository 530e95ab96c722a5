// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <nvq/tensor.hpp>
#include <vector>

#include "quality/sqnr.hpp"

namespace {
double mean_square(const std::vector<float>& x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return sum / static_cast<double>(x.size());
}
}  // namespace

TEST_CASE("the generators are the ones of the table") {
  const std::size_t n = std::size_t{1} << 24;
  const auto g = quality::gaussian(n);
  CHECK(std::fabs(g[0] - -0.83274144f) < 1e-8f);
  CHECK(std::fabs(g[1] - -0.10752149f) < 1e-8f);
  CHECK(std::fabs(nvq::amax(g) - quality::gaussian_amax) < 5e-6f);
  CHECK(std::fabs(nvq::amax(quality::gaussian(n, 2)) - 5.5001f) < 5e-5f);
  // INT8 under an amax T has an SQNR of 10 log10(12 (127 / T)^2): the table's 30.70 dB say T = 12.84 here.
  const auto l = quality::laplace(n);
  const float amax = nvq::amax(l);
  CHECK(std::fabs(amax - quality::laplace_amax) < 5e-6f);
  CHECK(std::fabs(10 * std::log10(12 * 127.0 * 127.0 / static_cast<double>(amax * amax)) - 30.70) < 0.01);
  CHECK(std::fabs(mean_square(g) - 1) < 1e-3);
  CHECK(std::fabs(mean_square(l) - 1) < 2e-3);
  CHECK(std::fabs(mean_square(quality::student_t5(std::size_t{1} << 22)) - 1) < 5e-3);
}
