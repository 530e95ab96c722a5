// SPDX-License-Identifier: Apache-2.0
// The block-scaled GEMM of the examples, executed on the CPU.
#include <cstdint>
#include <nvq/nvq.hpp>
#include <random>
#include <vector>

#include "../../examples/cuda/gemm_nvfp4_sm120.cuh"
#include "../support/catch.hpp"
#include "check.hpp"

namespace {

/// Random codes under scales from 1/4 to 2 that are powers of two: all sums are exact. The padding of the scales is NaN.
struct Operand {
  std::int64_t rows, k;
  std::vector<std::uint8_t> codes, scales, blocked;
  float tensor_scale;

  Operand(std::int64_t r, std::int64_t columns, float g, unsigned seed)
      : rows(r), k(columns), tensor_scale(g) {
    std::mt19937 random(seed);
    const nvq::layout::Blocked128x4 layout(nvq::shape2d(rows, k / 16));
    blocked.assign(static_cast<std::size_t>(layout.bytes()), 0x7F);
    for (std::size_t i = 0; i < nvq::NVFP4::codes_bytes(rows, k); ++i)
      codes.push_back(static_cast<std::uint8_t>(random()));
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t c = 0; c < k / 16; ++c) {
        scales.push_back(static_cast<std::uint8_t>(0x28 + random() % 4 * 8));
        blocked[static_cast<std::size_t>(layout.offset(row, c))] = scales.back();
      }
  }
  example::nvfp4_matrix view() const { return {rows, codes.data(), blocked.data(), &tensor_scale}; }
  std::vector<float> decoded() const {
    std::vector<float> values(static_cast<std::size_t>(rows * k));
    REQUIRE(nvq::decode<nvq::NVFP4>(codes, scales, {rows, k}, values, tensor_scale).ec == nvq::errc::ok);
    return values;
  }
};

void check_product(std::int64_t m, std::int64_t n, std::int64_t k, bool barriers) {
  INFO(m << " x " << n << " x " << k);
  const Operand a(m, k, 0.5f, 1), b(n, k, 0.125f, 2);
  const auto x = a.decoded(), w = b.decoded();
  std::vector<std::uint16_t> want;
  for (std::int64_t r = 0; r < m; ++r)
    for (std::int64_t c = 0; c < n; ++c) {
      double sum = 0;
      for (std::int64_t i = 0; i < k; ++i)
        sum += static_cast<double>(x[static_cast<std::size_t>(r * k + i)]) *
               static_cast<double>(w[static_cast<std::size_t>(c * k + i)]);
      want.push_back(nvq::bfloat16(static_cast<float>(sum)).bits);
    }
  const executor::runner run = [&](const executor::schedule& s) {
    std::vector<nvq::bfloat16> d(want.size(), nvq::bfloat16(-77.0f));
    const example::gemm_nvfp4_sm120 kernel{a.view(), b.view(), k, d.data()};
    const auto report = executor::run(kernel, kernel.grid(), kernel.threads, s);
    bool same = true;
    for (std::size_t i = 0; i < d.size(); ++i) same = same && d[i].bits == want[i];
    return executor::outcome{report, same};
  };
  CHECK((barriers ? executor::check_barriers(run) : executor::check_orders(run)) == "");
}

}  // namespace

TEST_CASE("block-scaled GEMM multiplies NVFP4 with NVFP4") {
  check_product(1, 8, 64, false);
  check_product(130, 37, 192, false);
  check_product(70, 150, 320, true);
}
