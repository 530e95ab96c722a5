// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nvq/fp8.hpp>
#include <nvq/nvfp4.hpp>
#include <vector>

#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

TEST_CASE("amax finds the largest magnitude wherever it is", "[tensor]") {
  std::vector<float> values(768, 0.5f);
  for (const std::size_t at : {std::size_t{0}, std::size_t{256}, std::size_t{400}, values.size() - 1}) {
    std::vector<float> v = values;
    v[at] = -3.0f;
    CHECK(nvq::amax(v) == 3.0f);
    // As many tasks as rows, a few, one.
    for (const std::size_t rows :
         {std::size_t{64}, std::size_t{768}, std::size_t{256}, std::size_t{3}, std::size_t{1}})
      CHECK(nvq::amax(nvq::matrix_view<const float>(v.data(), {rows, 768 / rows})) == 3.0f);
  }
  CHECK(nvq::amax(std::vector<float>{}) == 0.0f);
  CHECK(nvq::amax(std::vector<float>{-0.0f}) == 0.0f);
  CHECK(nvq::amax(std::vector<nvq::half>{nvq::half(-2.0f), nvq::half(1.0f)}) == 2.0f);
  CHECK(nvq::amax(std::vector<nvq::bfloat16>{nvq::bfloat16(-2.0f)}) == 2.0f);
  CHECK(nvq::amax(std::vector<float>{-nvq::infinity(), 1.0f}) == nvq::infinity());
}

TEST_CASE("amax is found by as many tasks as there are 64 Ki values, of few rows, too", "[tensor]") {
  for (const std::size_t rows : {1u, 3u, 100u, 1024u, 3000u}) {
    const std::size_t columns = (std::size_t{1} << 20) / rows + 5;
    std::vector<float> values(rows * columns, 0.25f);
    const nvq::matrix_view<const float> matrix(values.data(), {rows, columns});
    std::size_t tasks = 0;
    const auto counts = [&](std::size_t n, auto task) {
      tasks += n;
      for (std::size_t i = n; i-- > 0;) task(i);
    };
    for (std::size_t at = 0; at < values.size(); at += values.size() / 37 - 1) {
      values[at] = -2.0f;
      CHECK(nvq::amax(matrix, nvq::NaN::ignore, counts) == 2.0f);
      values[at] = 0.25f;
    }
    values.back() = 7.0f;
    tasks = 0;
    CHECK(nvq::amax(matrix, nvq::NaN::ignore, counts) == 7.0f);
    CHECK(tasks >= 12);
    CHECK(tasks <= 40);
  }
}

TEST_CASE("amax sees the matrix and not what lies between its rows", "[tensor]") {
  const std::vector<float> memory = {1.0f, 2.0f, 99.0f, -4.0f, 3.0f, 99.0f};
  CHECK(nvq::amax(nvq::matrix_view<const float>(memory.data(), {2, 2}, 3)) == 4.0f);
}

TEST_CASE("NaN is ignored by amax unless it is to propagate", "[tensor]") {
  const float nan = nvq::quiet_nan();
  const std::vector<float> values = {1.0f, nan, -3.0f, -nan, 2.0f};
  CHECK(nvq::amax(values) == 3.0f);
  CHECK(std::isnan(nvq::amax(values, nvq::NaN::propagate)));
  CHECK(nvq::amax(std::vector<float>{nan, nan}) == 0.0f);
  CHECK(nvq::amax(std::vector<float>{1.0f, 2.0f}, nvq::NaN::propagate) == 2.0f);
  CHECK(std::isnan(nvq::amax(std::vector<float>{nan, nvq::infinity()}, nvq::NaN::propagate)));
}

TEST_CASE("an invalid matrix has no amax", "[tensor]") {
  CHECK(nvq::amax(nvq::matrix_view<const float>(nullptr, {2, 2})) == 0.0f);
  const float x = 1.0f;
  CHECK(nvq::amax(nvq::matrix_view<const float>(&x, {-1, 1})) == 0.0f);
}

TEST_CASE("tensor scales are the amax and 2688 either way", "[tensor]") {
  const nvq::TensorScales ts = nvq::tensor_scales<nvq::NVFP4>(10.0f);
  CHECK(ts.decode == 10.0f / 2688.0f);
  CHECK(ts.encode == 2688.0f / 10.0f);
  CHECK(ts.amax == 10.0f);
  CHECK(nvq::tensor_scales<nvq::NVFP4>(10.0f, nvq::recipe::four_over_six).decode == 10.0f / 1536.0f);
  CHECK(nvq::tensor_scales<nvq::NVFP4>(0.0f).decode == 1.0f);
  CHECK(nvq::tensor_scales<nvq::FP8_E4M3>(10.0f).decode == 1.0f);  // no tensor scale
}

TEST_CASE("tensors that share a scale are encoded against the largest amax", "[tensor]") {
  // q, k and v of one layer, and the three as one tensor: the same codes and scales.
  oracle::Lcg random(31);
  const std::size_t rows = 4, columns = 64;
  std::vector<float> fused, part[3];
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < rows * columns; ++j) {
      part[i].push_back(random.normal() * static_cast<float>(i + 1));
      fused.push_back(part[i].back());
    }
  const auto together = nvq::quantize<nvq::NVFP4>(fused, {3 * rows, columns});
  nvq::encode_options options;
  options.amax = std::max({nvq::amax(part[0]), nvq::amax(part[1]), nvq::amax(part[2])});
  std::vector<std::uint8_t> codes, scales;
  for (const std::vector<float>& p : part) {
    const auto q = nvq::quantize<nvq::NVFP4>(p, {rows, columns}, nvq::recipe::transformer_engine, options);
    codes.insert(codes.end(), q.codes().begin(), q.codes().end());
    scales.insert(scales.end(), q.scales().begin(), q.scales().end());
    CHECK(q.tensor_scale() == together.tensor_scale());
  }
  CHECK((codes == together.codes()));
  CHECK((scales == together.scales()));
  CHECK(nvq::quantize<nvq::NVFP4>(part[0], {rows, columns}).tensor_scale() != together.tensor_scale());
}

TEST_CASE("a whole-tensor format takes the amax of the options for its scale", "[tensor]") {
  nvq::encode_options options;
  options.amax = 896.0f;
  const auto q =
      nvq::quantize<nvq::FP8_E4M3>(std::vector<float>{2.0f, 4000.0f}, {1, 2}, nvq::recipe::amax, options);
  CHECK(q.scales()[0] == 2.0f);
  CHECK(q.codes()[0] == 0x38);
  CHECK(q.codes()[1] == 0x7E);  // saturated
}
