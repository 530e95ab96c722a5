// SPDX-License-Identifier: Apache-2.0
// The GEMV of the examples, executed on the CPU.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "../../examples/cuda/gemv.cuh"
#include "../support/catch.hpp"
#include "check.hpp"
#include "example_weights.hpp"

namespace {

using example_weights::make;
using example_weights::Problem;

template <class F, unsigned Tiles>
executor::outcome run(const Problem<F>& p, const std::vector<nvq::bfloat16>& expected,
                      const executor::schedule& s) {
  const nvq::bfloat16 guard(-77.0f);
  std::vector<nvq::bfloat16> y(expected.size() + 8, guard);
  const example::gemv<F, Tiles> kernel{p.weight(), p.x.data(), y.data(), p.batch};
  const auto report = executor::run(kernel, kernel.grid(p.n), kernel.threads, s);
  const auto same = [](nvq::bfloat16 a, nvq::bfloat16 b) { return a.bits == b.bits; };
  const bool guarded =
      std::all_of(y.end() - 8, y.end(), [&](nvq::bfloat16 v) { return v.bits == guard.bits; });
  return {report, guarded && std::equal(expected.begin(), expected.end(), y.begin(), same)};
}

template <class F>
std::vector<nvq::bfloat16> expected(const Problem<F>& p) {
  std::vector<nvq::bfloat16> y;
  for (const double sum : p.product()) y.push_back(nvq::bfloat16(static_cast<float>(sum)));
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("GEMV multiplies quantized weights", "", nvq::NVFP4, nvq::NVFP4_2D, nvq::MXFP4,
                   nvq::FP8_E4M3, nvq::FP8_E4M3_Row, nvq::FP8_E4M3_128x128, nvq::MXFP8_E4M3, nvq::INT8_Row,
                   nvq::INT4_G128, nvq::INT4_G128_ZP, nvq::INT4_Row) {
  for (const auto& shape : {nvq::shape2d(16, 32), nvq::shape2d(37, 160), nvq::shape2d(5, 1184)})
    for (const int batch : {1, 3, 8}) {
      INFO(shape.rows() << " x " << shape.columns() << ", batch " << batch);
      const auto p = make<TestType>(shape.rows(), shape.columns(), batch);
      const auto want = expected(p);
      REQUIRE(!want.empty());
      CHECK((run<TestType, 2>(p, want, {executor::order::forward}).as_expected));
    }
  const auto p = make<TestType>(37, 1184, 5);
  const auto want = expected(p);
  CHECK(executor::check_barriers([&](const executor::schedule& s) { return run<TestType, 1>(p, want, s); }) ==
        "");
}

TEMPLATE_TEST_CASE("GEMV with scales of any value is near the exact result", "", nvq::NVFP4, nvq::INT4_G128) {
  const auto p = make<TestType>(48, 1024, 2, false);
  const auto sums = p.product();
  std::vector<nvq::bfloat16> y(sums.size());
  const example::gemv<TestType> kernel{p.weight(), p.x.data(), y.data(), p.batch};
  REQUIRE(executor::run(kernel, kernel.grid(p.n), kernel.threads).error == "");
  double worst = 0;
  for (std::size_t i = 0; i < sums.size(); ++i)
    worst = std::max(
        worst, std::fabs(static_cast<double>(nvq::to_float(y[i])) - sums[i]) / (std::fabs(sums[i]) + 1e-3));
  CHECK(worst < 1.01 / 256);  // half of bfloat16's last place
}
