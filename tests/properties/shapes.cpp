// SPDX-License-Identifier: Apache-2.0
// Every format at every kind of shape: empty, one value, a block more or less one, several blocks.

#include <set>

#include "reference.hpp"

namespace {

using namespace properties;

std::vector<std::size_t> extents(std::int64_t block, std::size_t several) {
  const auto b = static_cast<std::size_t>(block == 0 ? 40 : block);
  const std::set<std::size_t> all = {0, 1, 2, b - 1, b, b + 1, several * b - 1, several * b, several * b + 1};
  return {all.begin(), all.end()};
}

/// (code * block scale) * tensor scale; each product is exact in double and rounded once.
template <class F>
float value_of(std::uint8_t code, typename F::scale_code scale, float tensor_scale) {
  const double element = static_cast<double>(F::element::decode(code));
  float value = 0.0f;
  if constexpr (F::has_zero_point)
    value = static_cast<float>((element - static_cast<double>(F::element::decode(scale.zero_point))) *
                               static_cast<double>(F::block_scale::decode(scale.scale)));
  else
    value = static_cast<float>(element * static_cast<double>(F::block_scale::decode(scale)));
  return F::has_tensor_scale
             ? static_cast<float>(static_cast<double>(value) * static_cast<double>(tensor_scale))
             : value;
}

template <class F>
void check_shape(std::size_t rows, std::size_t columns) {
  INFO(nvq::format_name<F> << " " << F::element::name() << " " << rows << " x " << columns);
  const nvq::default_recipe<F> recipe{};
  const std::vector<float> values = normal_matrix(rows, columns, rows * 1000 + columns);
  const Encoded<F> expected = reference_encode<F>(values, rows, columns, recipe);

  // Into memory that is all ones, between guards: padding bits are written, nothing else is.
  std::vector<std::uint8_t> codes(expected.codes.size() + 2, 0xFF),
      zero_points(expected.scales.size() + 2, 0xFF);
  const std::size_t scales_count = F::scales_count(rows, columns);
  std::vector<typename F::scale_type> scales(scales_count + 2, static_cast<typename F::scale_type>(0x5A));
  const nvq::matrix_view<const float> in(values.data(), {rows, columns});
  const nvq::span<std::uint8_t> codes_span(codes.data() + 1, expected.codes.size());
  const nvq::span<typename F::scale_type> scales_span(scales.data() + 1, scales_count);
  nvq::result done;
  if constexpr (F::has_tensor_scale)
    done = nvq::encode<F>(in, codes_span, scales_span, largest_magnitude(values));
  else if constexpr (F::has_zero_point)
    done = nvq::encode<F>(in, codes_span, scales_span,
                          nvq::span<std::uint8_t>(zero_points.data() + 1, expected.scales.size()));
  else
    done = nvq::encode<F>(in, codes_span, scales_span);
  REQUIRE(done);
  CHECK(done.count == rows * columns);
  CHECK((codes.front() == 0xFF && codes.back() == 0xFF));
  CHECK((scales.front() == static_cast<typename F::scale_type>(0x5A) &&
         scales.back() == static_cast<typename F::scale_type>(0x5A)));
  CHECK((zero_points.front() == 0xFF && zero_points.back() == 0xFF));
  CHECK(std::equal(expected.codes.begin(), expected.codes.end(), codes.begin() + 1));

  // The owner holds the same bytes.
  const nvq::quantized<F> q = nvq::quantize<F>(values, {rows, columns});
  REQUIRE(q);
  CHECK(first_difference(q.codes(), expected.codes) == "");
  CHECK(q.tensor_scale() == expected.tensor.decode);
  CHECK(std::equal(q.scales().begin(), q.scales().end(), scales.begin() + 1));
  CHECK(q.codes().size() == F::codes_bytes(rows, columns));
  CHECK(q.scales().size() * sizeof(typename F::scale_type) == F::scales_bytes(rows, columns));
  if constexpr (!packs_scales<F>) {
    REQUIRE(q.scales().size() == expected.scales.size());
    for (std::size_t b = 0; b < expected.scales.size(); ++b) CHECK(same_scale<F>(q, b, expected.scales[b]));
  }

  // And decodes to (code * block scale) * tensor scale, block by block.
  const std::vector<float> decoded = nvq::dequantize<float>(q);
  REQUIRE(decoded.size() == values.size());
  if constexpr (!packs_scales<F>) {
    const Extent block = block_of<F>(rows, columns);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t across = (columns + block.columns - 1) / block.columns,
                        b = i / columns / block.rows * across + i % columns / block.columns;
      wrong += decoded[i] != value_of<F>(expected.unpacked[i], expected.scales[b], expected.tensor.decode);
    }
    CHECK(wrong == 0);
  }
}

template <class F>
void check_shapes() {
  const bool tall = F::block::rows > 1;
  for (const std::size_t rows : extents(tall ? F::block::rows : 1, 2))
    for (const std::size_t columns : extents(F::block::columns, 3)) check_shape<F>(rows, columns);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("shapes", "[tensor]", nvq::AllFormats) { check_shapes<TestType>(); }
TEMPLATE_LIST_TEST_CASE("shapes of formats of one's own", "[tensor]", OwnFormats) {
  check_shapes<TestType>();
}
