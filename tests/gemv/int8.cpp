// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <limits>

#include "../support/catch.hpp"
#include "reference.hpp"

using namespace products;

namespace {

struct Activations {
  std::vector<float> code, scale;  ///< of every column
};
Activations to_int8(const std::vector<float>& x) {
  Activations a;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const std::size_t first = c / 32 * 32, end = std::min(first + 32, x.size());
    float amax = 0.0f;
    for (std::size_t i = first; i < end; ++i) amax = std::max(amax, std::fabs(x[i]));
    const float scale = amax / 127.0f;
    a.scale.push_back(scale);
    a.code.push_back(scale == 0.0f ? 0.0f
                                   : std::nearbyint(std::min(std::max(x[c] / scale, -127.0f), 127.0f)));
  }
  return a;
}

/// `halves`: elements are halves of integers.
float in_order_int8(const Row& row, const Activations& x, bool halves) {
  const std::size_t run = row.bits == 4 ? 8 : 4, columns = x.code.size();
  float sums[16] = {};
  for (std::size_t c = 0; c < columns;) {
    const std::size_t end = std::min({(c / run + 1) * run, (c / row.block + 1) * row.block, columns});
    double sum = 0.0;
    for (std::size_t i = c; i < end; ++i)
      sum += (double(row.code[i]) - double(row.zero[i])) * double(x.code[i]) * (halves ? 2.0 : 1.0);
    float& to = sums[c / run % 16];
    to = std::fma(static_cast<float>(sum), row.scale[c] * x.scale[c], to);
    c = end;
  }
  for (std::size_t n = 8; n > 0; n /= 2)
    for (std::size_t i = 0; i < n; ++i) sums[i] += sums[i + n];
  return halves ? sums[0] * 0.5f : sums[0];
}

template <class F>
void check(std::size_t rows, std::size_t columns, std::size_t batch, nvq::executor_ref executor = {}) {
  const auto q =
      nvq::quantize<F>(normal(rows * columns, static_cast<std::uint32_t>(columns)), {rows, columns});
  REQUIRE(q);
  std::vector<float> x = normal(columns * batch, 9), wanted;
  for (std::size_t c = 64; c < std::min<std::size_t>(96, columns); ++c) x[c] = 0.0f;
  for (std::size_t b = 0; b < batch; ++b) {
    const auto first = x.begin() + static_cast<std::ptrdiff_t>(b * columns);
    const std::vector<float> one(first, first + static_cast<std::ptrdiff_t>(columns));
    const Activations a = to_int8(one);
    for (std::size_t r = 0; r < rows; ++r) {
      const Row row = take_row(q, r);
      const float scale = F::has_tensor_scale ? q.tensor_scale() : 1.0f;
      wanted.push_back(in_order_int8(row, a, std::is_same<typename F::element, nvq::E2M1>::value) * scale);
      const Exact e = exact(row, one);
      // Half a step of every block of x, beside what float sums lose.
      double steps = 0.0;
      for (std::size_t c = 0; c < columns; ++c)
        steps +=
            0.501 * double(a.scale[c]) * std::fabs(double(row.code[c] - row.zero[c]) * double(row.scale[c]));
      REQUIRE(std::fabs(double(wanted.back()) - e.sum * double(scale)) <=
              (steps + bound(columns) * (e.magnitudes + steps)) * double(scale));
    }
  }
  for_each_tier([&](nvq::Isa isa) {
    std::vector<float> y(wanted.size());
    INFO(nvq::isa_name(isa) << ", " << rows << " rows of " << columns << ", batch " << batch);
    REQUIRE(nvq::gemm_int8(q, nvq::matrix_view<const float>(x.data(), {batch, columns}),
                           nvq::matrix_view<float>(y.data(), {batch, rows}), executor));
    REQUIRE(std::memcmp(y.data(), wanted.data(), y.size() * sizeof(float)) == 0);
  });
}

using Integers = std::tuple<nvq::NVFP4, nvq::NVFP4_2D, nvq::MXFP4, nvq::INT8, nvq::INT8_Row, nvq::INT8_G128,
                            nvq::INT4_G32, nvq::INT4_G64, nvq::INT4_G128, nvq::INT4_Row, nvq::INT4_G32_ZP,
                            nvq::INT4_G64_ZP, nvq::INT4_G128_ZP>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("activations in int8 are multiplied as written, by every tier", "[gemv]", Integers) {
  for (const std::size_t columns : {1u, 7u, 33u, 64u, 127u, 128u, 130u, 256u, 333u, 512u})
    check<TestType>(5, columns, 1);
  check<TestType>(6, 4096 + 128, 1);
  check<TestType>(19, 272, 3);
  Threads threads;
  check<TestType>(147, 2048 + 160, 2, threads);
}

namespace {

/// Every code of `bytes` in turn for a whole row, with a scale of 1 and x of +-127: integers that floats hold.
template <class F>
void check_extremes(const std::vector<std::uint8_t>& bytes, typename F::scale_type one) {
  const std::size_t columns = 512, row = columns * F::element::bits / 8;
  std::vector<std::uint8_t> codes;
  for (const std::uint8_t byte : bytes) codes.insert(codes.end(), row, byte);
  const auto rows = static_cast<std::int64_t>(bytes.size());
  const std::vector<typename F::scale_type> scales(F::scales_count(rows, std::int64_t{columns}), one);
  nvq::packed_weights<F> w;
  w.codes = codes, w.scales = scales, w.shape = {rows, std::int64_t{columns}};
  for (const std::size_t period : {1u, 2u, 3u, 4u, 8u, 512u}) {  // columns with the same sign
    std::vector<float> x, y(bytes.size());
    for (std::size_t c = 0; c < columns; ++c) x.push_back(c / period % 2 == 0 ? 127.0f : -127.0f);
    for_each_tier([&](nvq::Isa isa) {
      INFO(nvq::isa_name(isa) << ", signs of " << period);
      REQUIRE(nvq::gemm_int8(w, nvq::matrix_view<const float>(x.data(), {std::size_t{1}, columns}),
                             nvq::matrix_view<float>(y.data(), {1, rows})));
      for (std::size_t r = 0; r < bytes.size(); ++r) {
        double wanted = 0.0;
        for (std::size_t c = 0; c < columns; ++c) {
          const unsigned code = F::element::bits == 8 ? bytes[r] : bytes[r] >> c % 2 * 4 & 15u;
          wanted += double(F::element::decode(static_cast<std::uint8_t>(code))) * double(x[c]);
        }
        REQUIRE(double(y[r]) == wanted);
      }
    });
  }
}

}  // namespace

TEST_CASE("the largest integers do not overflow", "[gemv]") {
  check_extremes<nvq::INT8_Row>({0x80, 0x81, 0x7F, 0xFF, 0x01, 0x00}, 1.0f);
  check_extremes<nvq::INT4_G128>({0x88, 0x77, 0x78, 0x87, 0xF1}, 0x3C00);
  check_extremes<nvq::MXFP4>({0xFF, 0x77, 0x7F, 0xF7, 0x08}, 127);
}

TEST_CASE("a block of activations that has a NaN or an infinity", "[gemv]") {
  const std::size_t columns = 256;
  const auto q = nvq::quantize<nvq::INT4_G128>(normal(3 * columns, 1), {std::size_t{3}, columns});
  for (const float special :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    for_each_tier([&](nvq::Isa) {
      std::vector<float> x = normal(columns, 2), y(3);
      x[77] = special;
      REQUIRE(nvq::gemm_int8(q, nvq::matrix_view<const float>(x.data(), {std::size_t{1}, columns}),
                             nvq::matrix_view<float>(y.data(), {1, 3})));
      for (const float v : y) REQUIRE(nvq::float_bits(v) == 0x7FC00000u);
    });
}

TEST_CASE("int8 products are refused as others are", "[gemv]") {
  const auto q = nvq::quantize<nvq::NVFP4>(normal(128, 1), {2, 64});
  const std::vector<float> x(64);
  std::vector<float> y(2, 3.0f);
  CHECK(nvq::gemm_int8(q, nvq::matrix_view<const float>(x.data(), {1, 63}),
                       nvq::matrix_view<float>(y.data(), {1, 2}))
            .ec == nvq::errc::input_size);
  CHECK(nvq::gemm_int8(q, nvq::matrix_view<const float>(x.data(), {1, 64}),
                       nvq::matrix_view<float>(y.data(), {1, 1}))
            .ec == nvq::errc::output_size);
  CHECK(y == std::vector<float>(2, 3.0f));
}
