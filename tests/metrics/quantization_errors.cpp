// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <limits>
#include <nvq/fp8.hpp>
#include <nvq/int4.hpp>
#include <nvq/metrics.hpp>
#include <nvq/nf4.hpp>
#include <nvq/nvfp4.hpp>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

namespace {

std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
  std::vector<float> v(n);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(static_cast<std::int32_t>(seed)) * 0x1p-29f;
  }
  return v;
}

bool close(double a, double b) { return std::fabs(a - b) <= 1e-13 * std::fabs(b); }

template <class F>
bool same(const nvq::quantization_errors<F>& a, const nvq::quantization_errors<F>& b) {
  bool equal = a.count == b.count && a.flushed == b.flushed && a.signal == b.signal && a.noise == b.noise &&
               a.decoded == b.decoded && a.product == b.product && a.max_abs_error == b.max_abs_error &&
               a.max_rel_error == b.max_rel_error && a.clipped == b.clipped && a.blocks == b.blocks &&
               a.worst_block == b.worst_block && a.worst_signal == b.worst_signal &&
               a.worst_noise == b.worst_noise && a.scales.zero == b.scales.zero &&
               a.scales.smallest == b.scales.smallest && a.scales.saturated == b.scales.saturated;
  for (int i = 0; i < nvq::sqnr_histogram::size; ++i)
    equal = equal && a.histogram.count[i] == b.histogram.count[i];
  for (std::size_t i = 0; i < std::extent<decltype(a.scales.code)>::value; ++i)
    equal = equal && a.scales.code[i] == b.scales.code[i];
  return equal;
}

struct Backwards {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    while (n-- > 0) fn(n);
  }
};

}  // namespace

TEST_CASE("bins of the SQNR histogram") {
  using H = nvq::sqnr_histogram;
  CHECK(H::bin(10.0, 1.0) == 21);  // 10 dB: from 10 to below 11
  CHECK(H::bin(9.999, 1.0) == 20);
  CHECK(H::bin(1.0, 1.0) == 11);  // 0 dB
  CHECK(H::bin(0.1, 1.0) == 1);   // -10 dB
  CHECK(H::bin(0.0999, 1.0) == 0);
  CHECK(H::bin(0.0, 1.0) == 0);
  CHECK(H::bin(1e6, 1.0) == 71);  // 60 dB
  CHECK(H::bin(999999.0, 1.0) == 70);
  CHECK(H::bin(1.0, 0.0) == 71);
  CHECK(H::bin(0.0, 0.0) == 71);
  CHECK(H::bin(std::numeric_limits<double>::quiet_NaN(), 1.0) == 0);
  for (int db = H::lowest_db; db <= H::highest_db; ++db) {
    const double edge = H::power_ratio(db);
    CHECK(std::fabs(static_cast<double>(std::pow(10.0L, static_cast<long double>(db) / 10)) / edge - 1) <
          3e-16);
    CHECK(H::bin(edge, 1.0) == db + 11);
    CHECK(H::bin(std::nextafter(edge, 0.0), 1.0) == db + 10);
  }
}

TEST_CASE("four NVFP4 blocks worked out by hand") {
  nvq::quantized<nvq::NVFP4> q({2, 32}, 0.5f);
  std::vector<float> x(64, 0.0f);
  // Codes 4 are 2, so values are 1 under a scale of 1 and can reach 3.
  for (std::size_t i = 0; i < 16; ++i) x[i] = 1.0f;
  for (std::size_t i = 0; i < 8; ++i) q.codes()[i] = 0x44;
  q.scales()[0] = 0x38;
  x[3] = 4.0f;   // decodes to 1: clipped, an error of 3
  x[5] = -3.0f;  // decodes to 1: not clipped, an error of 4
  // A scale of zero.
  q.scales()[1] = 0x00;
  x[20] = 0.25f;
  // The largest scale: 448 * 0.5 * 6 and nothing is lost.
  q.scales()[2] = 0x7E;
  x[32] = 1344.0f;
  q.codes()[16] = 0x07;
  // The smallest scale over zeros.
  q.scales()[3] = 0x01;

  const auto e = nvq::measure(x, q);
  CHECK(e.count == 64);
  CHECK(e.blocks == 4);
  CHECK(e.noise == 9.0 + 16.0 + 0.0625);
  CHECK(e.signal == 14.0 + 16.0 + 9.0 + 0.0625 + 1344.0 * 1344.0);
  CHECK(e.max_abs_error == 4.0);
  CHECK(e.max_rel_error == 4.0 / 3.0);
  CHECK(e.clipped == 2);
  CHECK(e.flushed == 1);
  CHECK(e.worst_block == 1);
  CHECK(e.worst_sqnr_db() == 0.0);
  CHECK(e.histogram.count[11] == 1);  // block 1: 0 dB
  CHECK(e.histogram.count[12] == 1);  // block 0: 10 log10(39 / 25) = 1.93 dB
  CHECK(e.histogram.count[71] == 2);
  CHECK(e.scales.zero == 1);
  CHECK(e.scales.smallest == 1);
  CHECK(e.scales.saturated == 1);
  CHECK(e.scales.nan == 0);
  CHECK(e.scales.code[0x38] == 1);
  CHECK(e.scales.code[0x00] == 1);
  CHECK(e.scales.code[0x7E] == 1);
  CHECK(e.scales.code[0x01] == 1);
}

TEST_CASE("integers reach further to one side, and a negative scale turns that round") {
  using F = nvq::Format<nvq::Int4, nvq::Block<4>, nvq::ScaleFP32, nvq::TensorNone>;
  nvq::quantized<F> q({2, 4}, 1.0f);
  q.scales() = {2.0f, -2.0f};
  const std::vector<float> x = {14.0f, 14.5f, -16.0f, -16.5f, 16.0f, 16.5f, -14.0f, -14.5f};
  CHECK(nvq::measure(x, q).clipped == 4);
  CHECK(nvq::measure(x, q).scales.saturated == 0);
}

TEST_CASE("zero points shift what codes reach") {
  using F = nvq::Format<nvq::UInt4, nvq::Block<4>, nvq::Affine<nvq::ScaleFP16>, nvq::TensorNone>;
  nvq::quantized<F> q({1, 4}, 1.0f);
  q.scales()[0] = nvq::half(0.5f).bits;
  q.zero_points()[0] = 5;
  const std::vector<float> x = {5.0f, 5.25f, -2.5f, -2.75f};  // codes 0 to 15 are -2.5 to 5
  const auto e = nvq::measure(x, q);
  CHECK(e.clipped == 2);
  CHECK(e.decoded == 4 * 2.5 * 2.5);
}

TEST_CASE("a NaN scale is counted and makes its block the worst") {
  nvq::quantized<nvq::NVFP4> q({1, 48}, 1.0f);
  q.scales() = {0x38, 0x7F, 0x00};
  std::vector<float> x(48, 1.0f);
  const auto e = nvq::measure(x, q);
  CHECK(e.scales.nan == 1);
  CHECK(e.scales.code[0x7F] == 1);
  CHECK(e.worst_block == 1);
  CHECK(std::isnan(e.worst_sqnr_db()));
  CHECK(e.histogram.count[0] == 1);
}

TEMPLATE_TEST_CASE("measuring codes agrees with measuring decoded values", "", nvq::NVFP4, nvq::NVFP4_2D,
                   nvq::FP8_E4M3, nvq::FP8_E4M3_Row, nvq::FP8_E4M3_128x128, nvq::INT4_G32, nvq::INT4_G32_ZP,
                   nvq::NF4_DQ) {
  using F = TestType;
  const std::int64_t rows = 150, columns = 1000, stride = 1003;
  const auto data = numbers(static_cast<std::size_t>(rows * stride), 7);
  const nvq::matrix_view<const float> x(data.data(), {rows, columns}, stride);
  const auto q = nvq::quantize<F>(x);
  const auto back = nvq::dequantize<float>(q);
  const auto e = nvq::measure(x, q);
  const auto v = nvq::measure(x, nvq::matrix_view<const float>(back.data(), {rows, columns}));
  CHECK(e.count == rows * columns);
  CHECK(e.ec == nvq::errc::ok);
  CHECK(close(e.signal, v.signal));
  CHECK(close(e.noise, v.noise));
  CHECK(close(e.decoded, v.decoded));
  CHECK(close(e.product, v.product));
  CHECK(e.max_abs_error == v.max_abs_error);
  CHECK(e.max_rel_error == v.max_rel_error);
  CHECK(e.flushed == v.flushed);
  CHECK(v.flushed > 0);
  CHECK(e.blocks == static_cast<std::int64_t>(F::blocks_count(rows, columns)));
  std::int64_t in_bins = 0;
  for (const std::int64_t n : e.histogram.count) in_bins += n;
  CHECK(in_bins == e.blocks);
  CHECK(e.worst_sqnr_db() <= e.sqnr_db() + 1e-12);

  Backwards backwards;
  CHECK(same(nvq::measure(x, q, backwards), e));
}

TEST_CASE("ranges of rows merge to the tensor, wherever they are cut") {
  using F = nvq::NVFP4_2D;
  const std::int64_t rows = 100, columns = 70;
  const auto x = numbers(static_cast<std::size_t>(rows * columns), 9);
  const auto q = nvq::quantize<F>(x, {rows, columns});
  const auto whole = nvq::measure(x, q);
  for (const std::int64_t cut : {16, 48, 96}) {
    nvq::quantization_errors<F> sum;
    for (const auto& part : {std::pair<std::int64_t, std::int64_t>(0, cut), {cut, rows}}) {
      const std::int64_t n = part.second - part.first, grid = F::scale_columns(columns);
      sum.merge(
          nvq::measure<F>(nvq::matrix_view<const float>(x.data() + part.first * columns, {n, columns}),
                          {q.codes().data() + part.first * F::row_bytes(columns), F::codes_bytes(n, columns)},
                          {q.scales().data() + part.first / 16 * grid, F::scales_count(n, columns)}, {},
                          q.tensor_scale(), nvq::amax(x)));
    }
    CHECK(sum.blocks == whole.blocks);
    CHECK(sum.worst_block == whole.worst_block);
    CHECK(sum.worst_noise == whole.worst_noise);
    CHECK(sum.clipped == whole.clipped);
    CHECK(sum.max_rel_error == whole.max_rel_error);
    CHECK(close(sum.noise, whole.noise));
    CHECK(sum.scales.saturated == whole.scales.saturated);
  }
}

TEST_CASE("the worst block is found where the grid says it is") {
  using F = nvq::NVFP4;
  const std::int64_t rows = 90, columns = 1600;
  auto x = numbers(static_cast<std::size_t>(rows * columns), 11);
  // An outlier in block (77, 42) leaves nothing of its neighbours.
  for (std::size_t i = 0; i < 16; ++i) x[77 * 1600 + 42 * 16 + i] = 0.25f;
  x[77 * 1600 + 42 * 16 + 3] = 3.9f;
  const auto e = nvq::measure(x, nvq::quantize<F>(x, {rows, columns}));
  auto flat = x;
  for (std::size_t i = 0; i < 16; ++i) flat[77 * 1600 + 42 * 16 + i] = 1e-6f;
  CHECK(e.worst_block != 77 * 100 + 42);  // the outlier itself is kept: its block is fine
  const auto f = nvq::measure(flat, nvq::quantize<F>(flat, {rows, columns}));
  CHECK(f.worst_block == 77 * 100 + 42);  // below the smallest scale
  CHECK(f.worst_sqnr_db() == 0.0);
  CHECK(f.flushed >= 16);
}

TEST_CASE("measuring a refused or a differently shaped matrix is refused") {
  const std::vector<float> x(64);
  const auto bad = nvq::quantize<nvq::NVFP4>(x, {3, 64});
  CHECK(nvq::measure(x, bad).ec == nvq::errc::input_size);
  const auto q = nvq::quantize<nvq::NVFP4>(x, {1, 64});
  const auto e = nvq::measure(std::vector<float>(63), q);
  CHECK(e.ec == nvq::errc::input_size);
  CHECK(std::isnan(e.sqnr_db()));
  const nvq::matrix_view<const float> view(x.data(), {1, 64});
  CHECK(nvq::measure<nvq::NVFP4>(view, {q.codes().data(), 31}, q.scales(), {}, 1.0f, 1.0f).ec ==
        nvq::errc::codes_size);
  CHECK(nvq::measure<nvq::NVFP4>(view, q.codes(), {q.scales().data(), 3}, {}, 1.0f, 1.0f).ec ==
        nvq::errc::scales_size);
}

TEST_CASE("an empty matrix has no errors") {
  const auto e = nvq::measure(std::vector<float>(), nvq::quantize<nvq::NVFP4>(std::vector<float>(), {0, 64}));
  CHECK(e.ec == nvq::errc::ok);
  CHECK(e.blocks == 0);
  CHECK(e.worst_block == -1);
  CHECK(e.sqnr_db() == std::numeric_limits<double>::infinity());
}
