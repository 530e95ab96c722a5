// SPDX-License-Identifier: Apache-2.0
#include "quality/search.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nvq/formats.hpp>
#include <nvq/metrics.hpp>
#include <vector>

#include "support/catch.hpp"

using namespace quality;
namespace recipe = nvq::recipe;

namespace {

struct Data {
  std::string name;
  std::vector<float> values;
};

std::vector<Data> all_data(int block) {
  const std::size_t n = std::size_t{1} << 18;
  std::vector<Data> all = {{"Gaussian", gaussian(n)}, {"Laplace", laplace(n)}, {"Student t5", student_t5(n)}};
  for (auto& kind : adversarial(block, 8000 / block)) {
    // Tensors end with the same value, so that far smaller blocks meet subnormal scales.
    for (int i = 0; i < block; ++i) kind.values.push_back(i == 0 ? 100.0f : 0.0f);
    all.push_back({kind.name, std::move(kind.values)});
  }
  return all;
}

template <class F, class R>
std::vector<float> decoded(const std::vector<float>& x, R r) {
  return nvq::dequantize<float>(nvq::quantize<F>(x, {1, x.size()}, r));
}

double largest(const std::vector<float>& x) {
  double t = 0;
  for (const float v : x) t = std::fmax(t, std::fabs(static_cast<double>(v)));
  return t;
}

double decibels(double worse, double better) { return worse == better ? 0 : 10 * std::log10(worse / better); }

double block_amax(const float* x, int n) {
  double a = 0;
  for (int i = 0; i < n; ++i) a = std::fmax(a, std::fabs(static_cast<double>(x[i])));
  return a;
}

/// `error` where the recipes compute in float and decoded values are rounded: up to 2^-21 of the amax a
/// value.
double in_float(double error, const float* x, int n, Norm norm = Norm::squared) {
  const double d = block_amax(x, n) * 0x1p-21;
  return norm == Norm::absolute ? error + n * d : error + 2 * d * std::sqrt(error * n) + n * d * d;
}

}  // namespace

namespace {

/// Where value i of the blocks, one after the other, lies in a matrix of one row of blocks.
template <class F>
std::size_t place(std::size_t i, std::size_t count) {
  const auto rows = static_cast<std::size_t>(F::block::rows),
             columns = static_cast<std::size_t>(F::block::columns);
  const std::size_t block = i / (rows * columns), inside = i % (rows * columns);
  return inside / columns * (count / rows) + block * columns + inside % columns;
}

/// `mse` against all 126 scales: no block beyond `most` times the least error, and 0.001 dB in all.
template <class F>
void check_all_scales(double most) {
  constexpr int n = static_cast<int>(F::block_size);
  double worst = 0;
  for (const Data& data : all_data(n)) {
    const std::vector<float>& values = data.values;
    std::vector<float> matrix(values.size()), y(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) matrix[place<F>(i, values.size())] = values[i];
    const nvq::shape2d shape(F::block::rows, values.size() / static_cast<std::size_t>(F::block::rows));
    const auto back = nvq::dequantize<float>(nvq::quantize<F>(matrix, shape, recipe::mse));
    for (std::size_t i = 0; i < values.size(); ++i) y[i] = back[place<F>(i, values.size())];
    const double g = largest(values) / (6 * 256);
    double ours = 0, best = 0;
    for (std::size_t b = 0; b < values.size(); b += n) {
      const float* x = values.data() + b;
      double least = e2m1_error(x, n, 0);
      for (int code = 1; code <= 126; ++code) least = std::fmin(least, e2m1_error(x, n, e4m3(code) * g));
      const double error = decoded_error(x, y.data() + b, n);
      INFO(nvq::format_name<F> << ", " << data.name << ", block " << b / n << ": " << error << " against "
                               << least);
      REQUIRE(error <= in_float(most * least, x, n));
      worst = std::fmax(worst, error / in_float(least, x, n));
      ours += error, best += least;
    }
    INFO(nvq::format_name<F> << ", " << data.name << ": " << decibels(ours, best) << " dB, worst block "
                             << worst);
    CHECK(decibels(ours, best) < 0.001);
  }
}

}  // namespace

TEST_CASE("mse finds the best of all 126 scales of NVFP4") {
  check_all_scales<nvq::NVFP4>(1.05);
  check_all_scales<nvq::NVFP4_2D>(1.05);
}

namespace {

/// The scale code nearest to v, the even one of two, 448 at most.
int nearest_e4m3(double v) {
  int best = 0;
  for (int code = 1; code <= 126; ++code) {
    const double d = std::fabs(e4m3(code) - v), least = std::fabs(e4m3(best) - v);
    if (d < least || (d == least && code % 2 == 0)) best = code;
  }
  return best;
}

/// Both candidates of four_over_six, tried by the rule of its docstring.
template <class R>
void check_four_over_six(R r, Norm norm, float scale_max) {
  for (const Data& data : all_data(16)) {
    const auto y = decoded<nvq::NVFP4>(data.values, r);
    const float amax = static_cast<float>(largest(data.values)), encode = 6.0f * scale_max / amax;
    const double g = static_cast<double>(amax) / (6.0 * static_cast<double>(scale_max));
    int fours = 0;
    for (std::size_t b = 0; b < data.values.size(); b += 16) {
      const float* x = data.values.data() + b;
      const float sixth = static_cast<float>(block_amax(x, 16)) / 6.0f, six = sixth * encode;
      const double by_six = e2m1_error(x, 16, e4m3(nearest_e4m3(static_cast<double>(six))) * g, norm);
      const double by_four = e2m1_error(x, 16, e4m3(nearest_e4m3(static_cast<double>(six * 1.5f))) * g, norm);
      const double error = decoded_error(x, y.data() + b, 16, norm), least = std::fmin(by_six, by_four);
      INFO(data.name << ", block " << b / 16 << ": " << error << ", by six " << by_six << ", by four "
                     << by_four);
      REQUIRE(error <= in_float(least, x, 16, norm));
      REQUIRE(least <= in_float(error, x, 16, norm));
      fours += by_four < by_six ? 1 : 0;
    }
    if (data.name == "Gaussian") {
      const double share = fours / (static_cast<double>(data.values.size()) / 16);
      INFO("four is taken by " << share);
      if (norm == Norm::squared) CHECK(std::fabs(share - 0.45) < 0.01);
    }
  }
}

}  // namespace

TEST_CASE("four_over_six takes the better of its two scales") {
  check_four_over_six(recipe::four_over_six, Norm::squared, 256.0f);
  check_four_over_six(recipe::four_over_six_448, Norm::squared, 448.0f);
  check_four_over_six(recipe::four_over_six_mae, Norm::absolute, 256.0f);
  check_four_over_six(recipe::four_over_six_mae_448, Norm::absolute, 448.0f);
}

TEST_CASE("mse is never worse than four_over_six under the same tensor scale") {
  for (const Data& data : all_data(16)) {
    const auto best = decoded<nvq::NVFP4>(data.values, recipe::mse),
               four_over_six = decoded<nvq::NVFP4>(data.values, recipe::four_over_six);
    for (std::size_t b = 0; b < best.size(); b += 16) {
      const float* x = data.values.data() + b;
      INFO(data.name << ", block " << b / 16);
      REQUIRE(decoded_error(x, best.data() + b, 16) <=
              in_float(decoded_error(x, four_over_six.data() + b, 16), x, 16));
    }
  }
}

TEST_CASE("mse finds the best exponent of MXFP4") {
  for (const Data& data : all_data(32)) {
    const auto y = decoded<nvq::MXFP4>(data.values, recipe::mse);
    for (std::size_t b = 0; b < data.values.size(); b += 32) {
      const float* x = data.values.data() + b;
      double least = e2m1_error(x, 32, 0);
      for (int exponent = -40; exponent <= 20; ++exponent)
        least = std::fmin(least, e2m1_error(x, 32, std::exp2(exponent)));
      const double error = decoded_error(x, y.data() + b, 32);
      INFO(data.name << ", block " << b / 32 << ": " << error << " against " << least);
      REQUIRE(error <= in_float(least, x, 32));
    }
  }
}

namespace {

/// Under the squared error of blocks of n values of a row, `mse` loses nowhere against another recipe.
template <class F, class R>
void check_never_worse(R other, int n) {
  for (const Data& data : all_data(n)) {
    const auto best = decoded<F>(data.values, recipe::mse), y = decoded<F>(data.values, other);
    for (std::size_t b = 0; b < best.size(); b += static_cast<std::size_t>(n)) {
      const float* x = data.values.data() + b;
      INFO(nvq::format_name<F> << ", " << R::name() << ", " << data.name << ", block " << b);
      REQUIRE(decoded_error(x, best.data() + b, n) <= in_float(decoded_error(x, y.data() + b, n), x, n));
    }
  }
}

}  // namespace

TEST_CASE("mse is never worse than the rules whose scales it tries") {
  check_never_worse<nvq::MXFP4>(recipe::ocp_floor, 32);
  check_never_worse<nvq::MXFP4>(recipe::even, 32);
  check_never_worse<nvq::MXFP4>(recipe::rceil, 32);
  check_never_worse<nvq::MXFP6_E2M3>(recipe::even, 32);
  check_never_worse<nvq::MXFP8_E4M3>(recipe::rceil, 32);
  check_never_worse<nvq::INT4_G32>(recipe::amax, 32);
  check_never_worse<nvq::FP8_E4M3_1x128>(recipe::amax, 128);
}
