// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "reference.hpp"

// What holds for formats under recipes. Each property is a function of a format and a recipe; where it does
// not hold for some recipe, the property says so and why.

namespace properties {

using std::is_same;
namespace recipe = nvq::recipe;

template <class R, class... Others>
constexpr bool is_one_of = (is_same<R, Others>::value || ...);
/// Recipes that try several scales.
template <class R>
constexpr bool searches = is_one_of<R, recipe::mse_t, recipe::four_over_six_t, recipe::four_over_six_mae_t,
                                    recipe::four_over_six_448_t, recipe::four_over_six_mae_448_t>;
template <class E>
constexpr bool is_integer_element = false;
template <int N>
constexpr bool is_integer_element<nvq::Int<N>> = true;
template <int N>
constexpr bool is_integer_element<nvq::UInt<N>> = true;
template <class F>
constexpr bool is_integer = is_integer_element<typename F::element>;

inline std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& x : values) x *= factor;
  return values;
}

template <class F, class R>
nvq::quantized<F> quantize(const std::vector<float>& values, std::size_t rows, R r, float amax = -1.0f) {
  nvq::encode_options options;
  options.amax = amax;
  return nvq::quantize<F>(values, {rows, values.size() / rows}, r, options);
}

/// Zeros of either sign decode to zeros, also a block of them among others.
template <class F, class R>
void zeros(R r) {
  std::vector<float> values(3 * 300);
  for (std::size_t i = 0; i < values.size(); i += 7) values[i] = -0.0f;
  for (const float y : nvq::dequantize<float>(quantize<F>(values, 3, r))) REQUIRE(y == 0.0f);

  const std::size_t block = F::block_size == 0 ? 0 : static_cast<std::size_t>(F::block::columns),
                    columns = std::max(std::size_t{600}, 3 * block);
  values = normal_matrix(3, columns);
  const auto in_block = [&](std::size_t i) { return i % columns >= block && i % columns < 2 * block; };
  for (std::size_t i = 0; i < values.size(); ++i)
    if (in_block(i)) values[i] = 0.0f;
  const std::vector<float> decoded = nvq::dequantize<float>(quantize<F>(values, 3, r));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (in_block(i)) REQUIRE(decoded[i] == 0.0f);
}

/// The error of a value is a fraction of its block's amax: half the largest gap of the element, and the
/// clipping or the coarser scale that the recipe allows itself.
template <class F, class R>
void error_is_bounded(R r) {
  // A search may sacrifice one value for many.
  if (searches<R>) return;
  const int bits = F::element::bits;
  const double bound = bits <= 5 ? 0.26 : is_integer<F> ? 0.02 : 0.13;
  const std::size_t rows = 40, columns = 384;
  const std::vector<float> values = normal_matrix(rows, columns);
  const std::vector<float> decoded = nvq::dequantize<float>(quantize<F>(values, rows, r));
  const Extent block = block_of<F>(rows, columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float amax = 0;
    const std::size_t r0 = i / columns / block.rows * block.rows,
                      c0 = i % columns / block.columns * block.columns;
    for (std::size_t y = r0; y < std::min(rows, r0 + block.rows); ++y)
      for (std::size_t x = c0; x < std::min(columns, c0 + block.columns); ++x)
        amax = std::max(amax, std::fabs(values[y * columns + x]));
    const double error = std::fabs(static_cast<double>(values[i]) - static_cast<double>(decoded[i]));
    if (error > bound * static_cast<double>(amax))
      FAIL("value " << i << ": " << values[i] << " became " << decoded[i] << " in a block of amax " << amax);
    if (block.rows * block.columns > 4096) i += 96;  // the amax of a large block takes long
  }
}

/// decode(encode(-x)) = -decode(encode(x)).
template <class F, class R>
void sign_symmetry(R r) {
  // The codes of NF4 are not symmetric, nor are zero points; -8 has no counterpart where a recipe clamps to
  // it.
  if (F::has_zero_point || is_same<typename F::element, nvq::NormalFloat4>::value) return;
  if (is_integer<F> &&
      is_one_of<R, recipe::compressed_tensors_t, recipe::compressed_tensors_bf16_t, recipe::mse_t>)
    return;
  const std::vector<float> values = normal_matrix(18, 300);
  const std::vector<float> a = nvq::dequantize<float>(quantize<F>(values, 18, r)),
                           b = nvq::dequantize<float>(quantize<F>(scaled(values, -1.0f), 18, r));
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == -b[i]);
}

/// A factor that is a power of two goes into the scales: the codes do not change.
template <class F, class R>
void power_of_two_invariance(R r) {
  const std::vector<float> values = normal_matrix(18, 300);
  const auto q = quantize<F>(values, 18, r);
  for (const float factor : {0.25f, 8.0f}) {
    if (is_one_of<R, recipe::ggml_t> && factor < 1)
      continue;  // without a tensor scale its E4M3 scales become subnormal
    const auto p = quantize<F>(scaled(values, factor), 18, r);
    CHECK(first_difference(p.codes(), q.codes()) == "");
    CHECK(first_difference(p.zero_points(), q.zero_points()) == "");
    CHECK(first_difference(nvq::dequantize<float>(p), scaled(nvq::dequantize<float>(q), factor)) == "");
  }
}

/// What was decoded is encoded to the same values again, but for the rounding of scales that are floats.
template <class F, class R>
void idempotence(R r) {
  // Searches look for the least error around the amax and may not find zero. With zero points the range of
  // what was decoded is a step shorter or longer than 15. s = a / 7.5 divides a decoded 7 by 7.5. The mean
  // that NF4_DQ takes off moves with the scales.
  if (F::has_zero_point || is_same<F, nvq::NF4_DQ>::value) return;
  if (is_one_of<R, recipe::mse_t> && !is_same<typename F::block_scale, nvq::ScaleE8M0>::value) return;
  if (is_integer<F> && is_one_of<R, recipe::compressed_tensors_t, recipe::compressed_tensors_bf16_t>) return;
  const std::vector<float> values = normal_matrix(18, 256);
  const std::vector<float> once = nvq::dequantize<float>(quantize<F>(values, 18, r));
  const std::vector<float> twice = nvq::dequantize<float>(quantize<F>(once, 18, r));
  const float tolerance = sizeof(typename F::scale_type) == 4 || F::has_tensor_scale ? 1e-6f : 0.0f;
  for (std::size_t i = 0; i < once.size(); ++i) {
    INFO("value " << i << " is " << once[i] << ", then " << twice[i]);
    REQUIRE(std::fabs(once[i] - twice[i]) <= tolerance * std::fabs(once[i]));
  }
}

/// Finite values decode to finite values, however large or small.
template <class F, class R>
void finite_stays_finite(R r) {
  const std::vector<float> tests[] = {{1e38f, -1e38f, 3e37f}, {1e-40f, -3e-41f, 0.0f}, {nvq::exp2i(-149)},
                                      {1e38f, 1e-40f, -1.0f}, {1e-20f, -1e20f},        {-1e-38f, 5e-39f}};
  for (const std::vector<float>& some : tests) {
    std::vector<float> values;
    for (std::size_t i = 0; i < 3 * 200; ++i) values.push_back(some[i % some.size()]);
    const auto q = quantize<F>(values, 3, r);
    REQUIRE(q);
    // Upstream's quotient is 0 / 0 where amax / 2688 underflows to 0.
    if (is_one_of<R, recipe::torchao_t> && q.tensor_scale() == 0.0f) continue;
    for (const float y : nvq::dequantize<float>(q)) {
      INFO(some[0] << " became " << y);
      REQUIRE(std::isfinite(y));
    }
  }
}

/// NaN and infinities are encoded without undefined behaviour, the same way every time, and do not leave
/// their block (where no factor of the whole tensor carries them).
template <class F, class R>
void specials_stay_in_their_block(R r) {
  const float nan = nvq::quiet_nan(), inf = nvq::infinity();
  const std::vector<float> tests[] = {{nan},
                                      {inf},
                                      {-inf},
                                      {inf, -inf},
                                      {nan, inf, -inf},
                                      {nan, 1.0f},
                                      {-inf, 0.0f},
                                      {inf, 1.0f},
                                      {nvq::float_max(), -nvq::float_max()}};
  const std::size_t rows = F::block::rows > 1 ? 2 * static_cast<std::size_t>(F::block::rows) : 2;
  const std::size_t block = F::block_size == 0 ? 100 : static_cast<std::size_t>(F::block::columns);
  const std::size_t columns = 3 * block;
  const std::vector<float> clean = normal_matrix(rows, columns);
  const float amax = F::block::rows == 0 ? -1.0f : largest_magnitude(clean);
  const auto expected = quantize<F>(clean, rows, r, amax);
  const std::vector<std::uint8_t> expected_codes =
      oracle::unpack(expected.codes(), rows, columns, F::element::bits);

  for (const std::vector<float>& some : tests) {
    std::vector<float> values = clean;
    // The first block; the first row where that has one.
    for (std::size_t c = 0; c < (F::block::columns == 0 ? columns : block); ++c)
      values[c] = some[c % some.size()];
    const auto q = quantize<F>(values, rows, r, amax), again = quantize<F>(values, rows, r, amax);
    REQUIRE(q);
    CHECK(first_difference(q.codes(), again.codes()) == "");
    if (nvq::dequantize<float>(q).size() != values.size()) FAIL("not decoded");
    if (F::block::rows == 0) continue;
    const Extent extent = block_of<F>(rows, columns);
    const std::vector<std::uint8_t> codes = oracle::unpack(q.codes(), rows, columns, F::element::bits);
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (i / columns < extent.rows && i % columns < extent.columns) continue;
      if (codes[i] != expected_codes[i])
        FAIL("a special at " << some[0] << " changed the code of value " << i);
    }
    if (!packs_scales<F>)
      for (std::size_t b = 1; b < q.scales().size(); ++b) REQUIRE(q.scales()[b] == expected.scales()[b]);
  }
}

/// Recipes whose amax ignores NaN choose the scale that they would choose with zero in its place.
template <class F, class R>
void nan_does_not_enter_the_amax(R r) {
  if (!is_one_of<R, recipe::transformer_engine_t, recipe::vllm_t, recipe::trtllm_t, recipe::ggml_t,
                 recipe::rceil_t, recipe::amax_t, recipe::signed_max_t, recipe::deepseek_t,
                 recipe::asymmetric_t, recipe::gptq_t, recipe::awq_t, recipe::bitsandbytes_t>)
    return;
  std::vector<float> values = normal_matrix(4, 300), without = values;
  for (std::size_t i = 0; i < values.size(); i += 11) {
    values[i] = nvq::quiet_nan();
    without[i] = 0.0f;
  }
  const auto q = quantize<F>(values, 4, r), p = quantize<F>(without, 4, r);
  CHECK(first_difference(q.scales(), p.scales()) == "");
  CHECK(q.tensor_scale() == p.tensor_scale());
  const auto a = oracle::unpack(q.codes(), 4, 300, F::element::bits),
             b = oracle::unpack(p.codes(), 4, 300, F::element::bits);
  for (std::size_t i = 0; i < a.size(); ++i)
    if (i % 11 != 0) REQUIRE(a[i] == b[i]);
}

/// Values beyond the amax that the caller gave saturate at the largest value of the format.
template <class F, class R>
void saturation(R r) {
  if (!F::has_tensor_scale && F::block::rows != 0) return;               // nothing is given
  if (is_same<R, recipe::ggml_t>::value && F::has_tensor_scale) return;  // has no tensor scale
  std::vector<float> values(64, 0.5f);
  values[3] = 100.0f;
  values[40] = -100.0f;
  const auto q = quantize<F>(values, 2, r, 1.0f);
  const std::vector<float> decoded = nvq::dequantize<float>(q);
  if constexpr (F::has_tensor_scale) {
    const float top = F::block_scale::largest() * F::element::largest() * q.tensor_scale();
    CHECK(decoded[3] == top);
    CHECK((decoded[40] == -top || F::block::rows > 1));
    CHECK((top >= 0.999f && top <= 1.751f));  // 448 / 256
  } else {
    // A search may stretch the scale by 1 / 0.7.
    CHECK((decoded[3] >= 0.99f && decoded[3] <= 1.43f));
    CHECK((decoded[40] <= -0.99f && decoded[40] >= -1.45f));
  }
}

/// All properties of a format, for every recipe that applies to it.
template <class F>
void check_all() {
  int recipes = 0;
  for_each_recipe<F>([&](auto r) {
    using R = decltype(r);
    ++recipes;
    INFO(R::name());
    zeros<F>(r);
    error_is_bounded<F>(r);
    sign_symmetry<F>(r);
    power_of_two_invariance<F>(r);
    idempotence<F>(r);
    finite_stays_finite<F>(r);
    specials_stay_in_their_block<F>(r);
    nan_does_not_enter_the_amax<F>(r);
    saturation<F>(r);
  });
  CHECK(recipes > 0);
}

}  // namespace properties
