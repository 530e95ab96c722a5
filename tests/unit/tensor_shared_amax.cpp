// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <limits>
#include <nvq/tensor.hpp>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("shared_amax is the largest of all tensors", "[tensor]") {
  const std::vector<float> q = {1.0f, -5.0f, 2.0f};
  const std::array<nvq::bfloat16, 2> k = {nvq::bfloat16(-7.0f), nvq::bfloat16(0.5f)};
  std::vector<nvq::half> v = {nvq::half(3.0f), nvq::half(-6.0f)};
  CHECK(nvq::shared_amax(q) == 5.0f);
  CHECK(nvq::shared_amax(q, k, v) == 7.0f);
  CHECK(nvq::shared_amax(v, q) == 6.0f);
  CHECK(nvq::shared_amax(nvq::matrix_view<nvq::half>(v.data(), {1, 1}), q) == 5.0f);
  CHECK(nvq::shared_amax(std::vector<float>{}, std::vector<float>{std::numeric_limits<float>::quiet_NaN()}) ==
        0.0f);
}
