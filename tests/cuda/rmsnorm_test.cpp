// SPDX-License-Identifier: Apache-2.0
// The fused RMSNorm of the examples, executed on the CPU, against an RMSNorm and the host's quantize().
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nvq/nvq.hpp>
#include <vector>

#include "../../examples/cuda/rmsnorm_nvfp4.cuh"
#include "../support/catch.hpp"
#include "check.hpp"

namespace {

constexpr std::uint8_t guard = 0xA5;

void check_fused(std::int64_t rows, std::int64_t columns, std::int64_t stride, unsigned blocks,
                 bool barriers) {
  INFO(rows << " x " << columns << ", stride " << stride << ", " << blocks << " blocks");
  // Integers, so that the sum of the squares is exact in whatever order.
  std::vector<nvq::bfloat16> x, gain;
  for (std::int64_t i = 0; i < rows * stride; ++i)
    x.push_back(
        nvq::bfloat16(static_cast<float>(nvq::random_bits(5, static_cast<std::uint64_t>(i)) % 33) - 16.0f));
  for (std::int64_t i = 0; i < columns; ++i)
    gain.push_back(
        nvq::bfloat16(static_cast<float>(nvq::random_bits(6, static_cast<std::uint64_t>(i)) % 64) / 32.0f));
  const float epsilon = 1e-5f, amax = 2.5f;  // less than there is: some blocks saturate

  std::vector<nvq::bfloat16> y;
  for (std::int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (std::int64_t c = 0; c < columns; ++c) {
      const double v = static_cast<double>(nvq::to_float(x[static_cast<std::size_t>(r * stride + c)]));
      squares += v * v;
    }
    const float factor =
        1.0f / std::sqrt(static_cast<float>(squares) / static_cast<float>(columns) + epsilon);
    for (std::int64_t c = 0; c < columns; ++c)
      y.push_back(nvq::bfloat16(nvq::to_float(x[static_cast<std::size_t>(r * stride + c)]) * factor *
                                nvq::to_float(gain[static_cast<std::size_t>(c)])));
  }
  nvq::encode_options options;
  options.amax = amax;
  const auto q = nvq::quantize<nvq::NVFP4>(y, {rows, columns}, nvq::default_recipe<nvq::NVFP4>{}, options);
  REQUIRE(static_cast<bool>(q));
  std::vector<std::uint8_t> want_codes(q.codes().begin(), q.codes().end());
  want_codes.resize(want_codes.size() + 8, guard);
  const nvq::layout::Blocked128x4 layout(nvq::shape2d(rows, columns / 16));
  std::vector<std::uint8_t> want_scales(static_cast<std::size_t>(layout.bytes()), 0);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns / 16; ++c)
      want_scales[static_cast<std::size_t>(layout.offset(r, c))] =
          q.scales()[static_cast<std::size_t>(r * (columns / 16) + c)];
  want_scales.resize(want_scales.size() + 8, guard);

  const executor::runner run = [&](const executor::schedule& s) {
    std::vector<std::uint8_t> codes(want_codes.size(), guard), scales(want_scales.size(), guard);
    const example::rmsnorm_nvfp4 kernel{rows,    columns, stride,       x.data(),     gain.data(),
                                        epsilon, &amax,   codes.data(), scales.data()};
    const auto report = executor::run(kernel, kernel.grid(blocks), kernel.threads, s);
    return executor::outcome{report, codes == want_codes && scales == want_scales};
  };
  CHECK((barriers ? executor::check_barriers(run) : executor::check_orders(run)) == "");
}

}  // namespace

TEST_CASE("RMSNorm and quantization in one kernel write what the two would") {
  check_fused(1, 16, 16, 200, false);
  check_fused(3, 80, 96, 200, false);
  check_fused(130, 272, 272, 37, false);
  check_fused(5, 4112, 4112, 3, true);  // more blocks of 16 than threads, more rows than blocks of threads
}
