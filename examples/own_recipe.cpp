// SPDX-License-Identifier: Apache-2.0
// How do I choose scales by a rule of my own?
//
//   c++ -std=c++17 -O2 -I include examples/own_recipe.cpp -o own_recipe && ./own_recipe

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <nvq/int4.hpp>
#include <nvq/metrics.hpp>
#include <vector>

// A recipe is a stateless type derived from nvq::recipe::base. scale() turns what was gathered of a block
// (here its AbsMax, the largest magnitude) into the scale as it will be stored; scaler() says how an input is
// brought to the range of the element. Rounding to the element is inherited. mul_rn() and div_rn() are one
// rounded operation each, which no compiler flag can fuse or replace.
struct clipped : nvq::recipe::base {
  template <class F>
  static constexpr bool supports = !F::has_tensor_scale && !F::has_zero_point;

  template <class F>
  NVQ_HD static constexpr typename F::scale_code scale(nvq::AbsMax block, nvq::TensorScales) noexcept {
    return F::block_scale::encode(nvq::div_rn(nvq::mul_rn(0.9f, block.amax), F::element::largest()));
  }
  template <class F>
  NVQ_HD static constexpr nvq::DivideOrZero scaler(typename F::scale_code scale, nvq::AbsMax,
                                                   nvq::TensorScales) noexcept {
    return {F::block_scale::decode(scale)};
  }
};

// A recipe that searches offers candidates in place of one scale, and says what an error is: the first
// candidate with the least sum over the block wins. This one adds the fourth powers of errors, which keeps
// the largest one small.
struct least_fourth_power : clipped {
  template <class F>
  NVQ_HD static constexpr int candidates(nvq::AbsMax block, nvq::TensorScales) noexcept {
    return block.amax > 0.0f ? 8 : 1;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, nvq::AbsMax block,
                                                           nvq::TensorScales) noexcept {
    const float steps = nvq::add_rn(F::element::largest(), nvq::mul_rn(0.125f, static_cast<float>(i)));
    return F::block_scale::encode(nvq::div_rn(block.amax, steps));
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale,
                                      nvq::AbsMax block, nvq::TensorScales) noexcept {
    const float decoded = nvq::mul_rn(F::element::decode(code), F::block_scale::decode(scale));
    const float e = nvq::div_rn(nvq::sub_rn(decoded, x), block.amax), square = nvq::mul_rn(e, e);
    return nvq::mul_rn(square, square);
  }
};

template <class Recipe>
void report(const char* name, const std::vector<float>& weight, nvq::shape2d shape, Recipe recipe) {
  const std::vector<float> back = nvq::dequantize<float>(nvq::quantize<nvq::INT4_G32>(weight, shape, recipe));
  float worst = 0.0f;
  for (std::size_t i = 0; i < weight.size(); ++i) worst = nvq::max_of(worst, nvq::abs(weight[i] - back[i]));
  std::cout << std::setw(19) << std::left << name << std::fixed << std::setprecision(2)
            << nvq::sqnr_db(weight, back) << " dB, largest error " << std::setprecision(5) << worst << '\n';
}

int main() {
  const std::size_t rows = 64, columns = 256;
  std::vector<float> weight(rows * columns);
  std::uint32_t h = 1;
  for (float& w : weight) {  // sums of four random bytes: nearly normal
    h ^= h << 13, h ^= h >> 17, h ^= h << 5;
    w = (static_cast<float>((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24)) - 510.0f) / 8192.0f;
  }
  report("amax", weight, {rows, columns}, nvq::recipe::amax);
  report("mse", weight, {rows, columns}, nvq::recipe::mse);
  report("clipped", weight, {rows, columns}, clipped{});
  report("least_fourth_power", weight, {rows, columns}, least_fourth_power{});
}
