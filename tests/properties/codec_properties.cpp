// SPDX-License-Identifier: Apache-2.0
// What holds for formats under recipes. Where a property does not hold for some recipe, it says so and why.

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "codec.hpp"

namespace properties {

namespace {

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Recipes that try several scales.
bool searches(const Codec& c) {
  return is_one_of(
      c.recipe, {"mse", "four_over_six", "four_over_six_mae", "four_over_six_448", "four_over_six_mae_448"});
}
/// -8 and its like occur for the most negative values.
bool uses_lowest_integer(const Codec& c) {
  return c.integer && is_one_of(c.recipe, {"compressed_tensors", "compressed_tensors_bf16", "mse"});
}

std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& x : values) x *= factor;
  return values;
}

Quantized quantize(const Codec& c, const std::vector<float>& values, std::size_t rows, float amax = -1.0f) {
  const Quantized q = c.quantize(values, rows, amax);
  REQUIRE(q.ok);
  REQUIRE(q.codes.size() == values.size());
  REQUIRE(q.decoded.size() == values.size());
  return q;
}

/// Zeros of either sign decode to zeros, also a block of them among others.
void zeros(const Codec& c) {
  std::vector<float> values(3 * 300, 0.0f);
  for (std::size_t i = 0; i < values.size(); i += 7) values[i] = -0.0f;
  const auto is_zero = [](float y) { return y == 0.0f; };
  const std::vector<float> nothing = quantize(c, values, 3).decoded;
  CHECK(std::all_of(nothing.begin(), nothing.end(), is_zero));

  const std::size_t block = c.columns_or(0), columns = std::max(std::size_t{600}, 3 * block);
  values = normal_matrix(3, columns);
  const auto in_block = [&](std::size_t i) { return i % columns >= block && i % columns < 2 * block; };
  for (std::size_t i = 0; i < values.size(); ++i)
    if (in_block(i)) values[i] = 0.0f;
  const std::vector<float> decoded = quantize(c, values, 3).decoded;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) wrong += in_block(i) && decoded[i] != 0.0f;
  CHECK(wrong == 0);
}

/// The error of a value is a fraction of its block's amax: half the largest gap of the element, and the
/// clipping or the coarser scale that the recipe allows itself.
void error_is_bounded(const Codec& c) {
  if (searches(c)) return;  // may sacrifice one value for many
  const double bound = c.bits <= 5 ? 0.26 : c.integer ? 0.02 : 0.13;
  const std::size_t rows = 40, columns = 384;
  const std::size_t height = c.block_rows == 0 ? rows : static_cast<std::size_t>(c.block_rows),
                    width = c.columns_or(columns), across = (columns + width - 1) / width;
  const std::vector<float> values = normal_matrix(rows, columns);
  const auto block = [&](std::size_t i) { return i / columns / height * across + i % columns / width; };
  std::vector<float> amax(block(values.size() - 1) + 1, 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i)
    amax[block(i)] = std::max(amax[block(i)], std::fabs(values[i]));
  const std::vector<float> decoded = quantize(c, values, rows).decoded;
  double most = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    most = std::max(most, std::fabs(static_cast<double>(values[i]) - static_cast<double>(decoded[i])) /
                              static_cast<double>(amax[block(i)]));
  CHECK(most <= bound);
  CHECK(most > 0);
}

/// decode(encode(-x)) = -decode(encode(x)).
void sign_symmetry(const Codec& c) {
  // The entries of NF4 are not symmetric, nor are zero points; the lowest integer has no counterpart.
  if (c.has_zero_point || c.nf4 || uses_lowest_integer(c)) return;
  const std::vector<float> values = normal_matrix(18, 300);
  const std::vector<float> a = quantize(c, values, 18).decoded,
                           b = quantize(c, scaled(values, -1.0f), 18).decoded;
  CHECK(first_difference(a, scaled(b, -1.0f)) == "");
}

/// A factor that is a power of two goes into the scales: the codes do not change.
void power_of_two_invariance(const Codec& c) {
  const std::vector<float> values = normal_matrix(18, 300);
  const Quantized q = quantize(c, values, 18);
  for (const float factor : {0.25f, 8.0f}) {
    if (c.recipe == "ggml" && factor < 1)
      continue;  // its E4M3 scales, without a tensor scale, become subnormal
    const Quantized p = quantize(c, scaled(values, factor), 18);
    CHECK(first_difference(p.codes, q.codes) == "");
    CHECK(first_difference(p.zero_points, q.zero_points) == "");
    CHECK(first_difference(p.decoded, scaled(q.decoded, factor)) == "");
  }
}

/// What was decoded is encoded to the same values again, but for the rounding of scales that are floats.
void idempotence(const Codec& c) {
  // Searches look for the least error around the amax and may not find zero; those of powers of two do. With
  // zero points the range of what was decoded is a step shorter or longer than 15. compressed_tensors divides a
  // decoded 7 by 7.5. The mean that doubly quantized scales are taken from moves with them.
  if (c.has_zero_point || c.packed_scales || (c.recipe == "mse" && !c.e8m0_scales) || uses_lowest_integer(c))
    return;
  const std::vector<float> once = quantize(c, normal_matrix(18, 256), 18).decoded,
                           twice = quantize(c, once, 18).decoded;
  const float tolerance = c.float_scales || c.has_tensor_scale ? 1e-6f : 0.0f;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < once.size(); ++i)
    wrong += std::fabs(once[i] - twice[i]) > tolerance * std::fabs(once[i]);
  CHECK(wrong == 0);
}

/// Finite values decode to finite values, however large or small.
void finite_stays_finite(const Codec& c) {
  const std::vector<float> tests[] = {{1e38f, -1e38f, 3e37f}, {1e-40f, -3e-41f, 0.0f}, {nvq::exp2i(-149)},
                                      {1e38f, 1e-40f, -1.0f}, {1e-20f, -1e20f},        {-1e-38f, 5e-39f}};
  for (const std::vector<float>& some : tests) {
    std::vector<float> values;
    for (std::size_t i = 0; i < 3 * 200; ++i) values.push_back(some[i % some.size()]);
    const Quantized q = quantize(c, values, 3);
    // Upstream's quotient is 0 / 0 where amax / 2688 underflows to 0.
    if (c.recipe == "torchao" && q.tensor_scale == 0.0f) continue;
    INFO("values of " << some[0]);
    CHECK(std::all_of(q.decoded.begin(), q.decoded.end(), [](float y) { return std::isfinite(y); }));
  }
}

/// NaN and infinities are encoded without undefined behaviour, the same way every time, and do not leave
/// their block (where no factor of the whole tensor carries them).
void specials_stay_in_their_block(const Codec& c) {
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
  const std::size_t height = static_cast<std::size_t>(std::max(std::int64_t{1}, c.block_rows)),
                    rows = 2 * height;
  const std::size_t columns = 3 * c.columns_or(100), width = c.columns_or(columns);
  const std::vector<float> clean = normal_matrix(rows, columns);
  const float amax = c.whole_tensor() ? -1.0f : largest_magnitude(clean);
  const Quantized expected = quantize(c, clean, rows, amax);
  for (const std::vector<float>& some : tests) {
    INFO("specials like " << some[0]);
    std::vector<float> values = clean;
    for (std::size_t i = 0; i < width; ++i)
      values[i] = some[i % some.size()];  // the first row of the first block
    const Quantized q = quantize(c, values, rows, amax);
    CHECK(first_difference(q.codes, quantize(c, values, rows, amax).codes) == "");
    if (c.whole_tensor()) continue;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool inside = i / columns < height && i % columns < width;
      wrong += !inside && q.codes[i] != expected.codes[i];
    }
    CHECK(wrong == 0);
    if (!c.packed_scales)
      CHECK(std::equal(q.scales.begin() + 1, q.scales.end(), expected.scales.begin() + 1));
  }
}

/// Recipes whose amax ignores NaN choose the scale that they would choose with zero in its place.
void nan_does_not_enter_the_amax(const Codec& c) {
  if (!is_one_of(c.recipe, {"transformer_engine", "vllm", "trtllm", "ggml", "rceil", "amax", "signed_max",
                            "deepseek", "asymmetric", "gptq", "awq", "bitsandbytes"}))
    return;
  std::vector<float> values = normal_matrix(4, 300), without = values;
  for (std::size_t i = 0; i < values.size(); i += 11) {
    values[i] = nvq::quiet_nan();
    without[i] = 0.0f;
  }
  const Quantized q = quantize(c, values, 4), p = quantize(c, without, 4);
  CHECK(first_difference(q.scales, p.scales) == "");
  CHECK(q.tensor_scale == p.tensor_scale);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) wrong += i % 11 != 0 && q.codes[i] != p.codes[i];
  CHECK(wrong == 0);
}

/// Values beyond the amax that the caller gave saturate at the largest value of the format.
void saturation(const Codec& c) {
  if (!c.has_tensor_scale && !c.whole_tensor()) return;  // nothing is given
  if (c.recipe == "ggml") return;                        // has no tensor scale
  std::vector<float> values(64, 0.5f);
  values[3] = 100.0f;
  values[40] = -100.0f;
  const Quantized q = quantize(c, values, 2, 1.0f);
  if (c.has_tensor_scale) {
    const float top = c.largest_scale * c.largest_element * q.tensor_scale;
    CHECK(q.decoded[3] == top);
    CHECK(q.decoded[40] == -top);
    CHECK((top >= 0.999f && top <= 1.751f));  // 448 / 256
  } else {
    // A search may stretch the scale by 1 / 0.7, and -128 is a step below -127.
    CHECK((q.decoded[3] >= 0.99f && q.decoded[3] <= 1.43f));
    CHECK((q.decoded[40] <= -0.99f && q.decoded[40] >= -1.45f));
  }
}

}  // namespace

void check_properties(const Codec& codec) {
  INFO(codec.format << ", " << codec.recipe);
  zeros(codec);
  error_is_bounded(codec);
  sign_symmetry(codec);
  power_of_two_invariance(codec);
  idempotence(codec);
  finite_stays_finite(codec);
  specials_stay_in_their_block(codec);
  nan_does_not_enter_the_amax(codec);
  saturation(codec);
}

}  // namespace properties
