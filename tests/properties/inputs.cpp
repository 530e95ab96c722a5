// SPDX-License-Identifier: Apache-2.0
// The same bytes whatever the input's type and stride.

#include "reference.hpp"

namespace {

using namespace properties;

template <class F, class T>
void check_input_type() {
  const std::size_t rows = 5, columns = 150;
  std::vector<T> narrow;
  std::vector<float> wide;
  for (const float x : normal_matrix(rows, columns)) {
    narrow.push_back(T(x));
    wide.push_back(static_cast<float>(narrow.back()));
  }
  const auto a = nvq::quantize<F>(narrow, {rows, columns});
  check_same(a, nvq::quantize<F>(wide, {rows, columns}));
  // Decoding to T rounds the float once.
  const std::vector<T> out = nvq::dequantize<T>(a);
  const std::vector<float> floats = nvq::dequantize<float>(a);
  REQUIRE(out.size() == floats.size());
  for (std::size_t i = 0; i < out.size(); ++i) CHECK(out[i].bits == T(floats[i]).bits);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("bfloat16 and half inputs are the floats they stand for", "[tensor]",
                        nvq::AllFormats) {
  check_input_type<TestType, nvq::bfloat16>();
  check_input_type<TestType, nvq::half>();
}

TEMPLATE_LIST_TEST_CASE("a row stride changes nothing but where rows begin", "[tensor]", nvq::AllFormats) {
  const std::size_t rows = 19, columns = 130, stride = 137, offset = 3;
  const std::vector<float> all = normal_matrix(rows + 1, stride);
  std::vector<float> dense;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) dense.push_back(all[offset + r * stride + c]);
  const nvq::matrix_view<const float> view(all.data() + offset, {rows, columns}, stride);
  const auto q = nvq::quantize<TestType>(view);
  check_same(q, nvq::quantize<TestType>(dense, {rows, columns}));

  // Decoding into a strided matrix leaves what is between the rows.
  std::vector<float> out(all.size(), -7.0f);
  REQUIRE(nvq::decode<TestType>(q.codes(), q.scales(), q.zero_points(),
                                nvq::matrix_view<float>(out.data() + offset, {rows, columns}, stride),
                                q.tensor_scale()));
  const std::vector<float> expected = nvq::dequantize<float>(q);
  std::size_t touched = 0, wrong = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool inside = i >= offset && (i - offset) / stride < rows && (i - offset) % stride < columns;
    if (!inside)
      touched += out[i] != -7.0f;
    else
      wrong += out[i] != expected[(i - offset) / stride * columns + (i - offset) % stride];
  }
  CHECK(touched == 0);
  CHECK(wrong == 0);
}
