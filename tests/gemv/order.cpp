// SPDX-License-Identifier: Apache-2.0

#include <cstring>

#include "../support/catch.hpp"
#include "reference.hpp"

using namespace products;

namespace {

template <class F>
void check(std::size_t rows, std::size_t columns, std::size_t batch, nvq::executor_ref executor = {}) {
  const auto q =
      nvq::quantize<F>(normal(rows * columns, static_cast<std::uint32_t>(columns)), {rows, columns});
  REQUIRE(q);
  const std::size_t x_stride = columns + batch % 3, y_stride = rows + batch % 2;
  const std::vector<float> x = normal(x_stride * batch, 7);
  std::vector<float> wanted(batch * y_stride, -1.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    const Row row = take_row(q, r);
    for (std::size_t b = 0; b < batch; ++b) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(b * x_stride);
      const std::vector<float> one(first, first + static_cast<std::ptrdiff_t>(columns));
      wanted[b * y_stride + r] = in_order(row, one) * (F::has_tensor_scale ? q.tensor_scale() : 1.0f);
      const Exact e = exact(row, one);
      const double scale = F::has_tensor_scale ? double(q.tensor_scale()) : 1.0;
      REQUIRE(std::fabs(double(wanted[b * y_stride + r]) - e.sum * scale) <=
              bound(columns) * e.magnitudes * scale);
    }
  }
  for_each_tier([&](nvq::Isa isa) {
    std::vector<float> y(batch * y_stride, -1.0f);
    const nvq::result done = nvq::gemm(q, nvq::matrix_view<const float>(x.data(), {batch, columns}, x_stride),
                                       nvq::matrix_view<float>(y.data(), {batch, rows}, y_stride), executor);
    INFO(nvq::isa_name(isa) << ", " << rows << " rows of " << columns << ", batch " << batch);
    REQUIRE(done);
    REQUIRE(done.count == rows * batch);
    REQUIRE(std::memcmp(y.data(), wanted.data(), y.size() * sizeof(float)) == 0);
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("the sums are added in the order written, by every tier", "[gemv]", nvq::AllFormats) {
  for (const std::size_t columns : {1u, 7u, 31u, 64u, 127u, 128u, 130u, 256u, 333u, 512u})
    check<TestType>(5, columns, 1);
  check<TestType>(6, 4096 + 128, 1);  // more than the scales that are decoded at a time
  check<TestType>(3, 4096 + 256 + 9, 2);
  for (const std::size_t batch : {2u, 3u, 4u, 5u, 9u}) check<TestType>(19, 272, batch);
  Threads threads;
  check<TestType>(147, 2048 + 160, 2, threads);
}
