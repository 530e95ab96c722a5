// SPDX-License-Identifier: Apache-2.0
// The GEMM of the examples, executed on the CPU.
#include <cstdint>
#include <vector>

#include "../../examples/cuda/gemm.cuh"
#include "../support/catch.hpp"
#include "check.hpp"
#include "example_weights.hpp"

namespace {

using example_weights::make;
using example_weights::Problem;

std::vector<std::uint16_t> bits(const std::vector<nvq::bfloat16>& values) {
  std::vector<std::uint16_t> all;
  for (const nvq::bfloat16 v : values) all.push_back(v.bits);
  return all;
}

template <class F, unsigned Columns>
executor::outcome run(const Problem<F>& p, unsigned splits, const std::vector<std::uint16_t>& expected,
                      const executor::schedule& s) {
  std::vector<float> parts(splits * expected.size(), nvq::quiet_nan());
  std::vector<nvq::bfloat16> y(expected.size(), nvq::bfloat16(-77.0f));
  const example::gemm<F, Columns> kernel{p.weight(), p.x.data(), parts.data(), p.batch, splits};
  const auto report = executor::run(kernel, kernel.grid(p.n, p.batch, splits), kernel.threads, s);
  const example::gemm_finish<F> finish{p.weight(), parts.data(), y.data(), p.batch, splits};
  const auto finished = executor::run(finish, finish.grid(p.n, p.batch), finish.threads, s);
  return {report, finished.error.empty() && bits(y) == expected};
}

template <class F>
std::vector<std::uint16_t> expected(const Problem<F>& p) {
  std::vector<std::uint16_t> y;
  for (const double sum : p.product()) y.push_back(nvq::bfloat16(static_cast<float>(sum)).bits);
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("GEMM multiplies quantized weights", "", nvq::NVFP4, nvq::MXFP4, nvq::FP8_E4M3,
                   nvq::FP8_E4M3_Row, nvq::MXFP8_E4M3, nvq::INT4_G128, nvq::INT4_G128_ZP) {
  const auto check = [](std::int64_t n, std::int64_t k, int batch, unsigned splits, auto columns) {
    INFO(n << " x " << k << ", batch " << batch << ", " << splits << " splits");
    const auto p = make<TestType>(n, k, batch);
    const auto want = expected(p);
    REQUIRE(!want.empty());
    CHECK((run<TestType, columns.value>(p, splits, want, {executor::order::forward}).as_expected));
  };
  check(128, 32, 16, 1, std::integral_constant<unsigned, 16>());
  check(37, 160, 16, 3, std::integral_constant<unsigned, 16>());  // fewer columns than splits
  check(130, 416, 21, 2, std::integral_constant<unsigned, 32>());
  check(20, 288, 70, 1, std::integral_constant<unsigned, 64>());
}

TEST_CASE("GEMM needs its barriers") {
  const auto p = make<nvq::NVFP4>(40, 608, 16);
  const auto want = expected(p);
  CHECK(executor::check_barriers(
            [&](const executor::schedule& s) { return run<nvq::NVFP4, 16>(p, 1, want, s); }) == "");
}
