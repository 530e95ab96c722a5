// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nvq/bit.hpp>
#include <nvq/metrics.hpp>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {

std::vector<float> numbers(std::size_t n, std::uint32_t seed) {
  std::vector<float> v(n);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(static_cast<std::int32_t>(seed)) * 0x1p-29f;
  }
  return v;
}

// Runs the tasks last to first, every other one in a thread of its own.
struct Backwards {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    for (std::size_t i = n; i-- > 0;) {
      if (i % 2 == 0)
        std::thread([&] { fn(i); }).join();
      else
        fn(i);
    }
  }
};

bool same(const nvq::error_sums& a, const nvq::error_sums& b) {
  return a.count == b.count && a.flushed == b.flushed && a.not_finite == b.not_finite &&
         a.signal == b.signal && a.noise == b.noise && a.decoded == b.decoded && a.product == b.product &&
         a.max_abs_error == b.max_abs_error && a.max_rel_error == b.max_rel_error && a.ec == b.ec;
}

bool close(double a, double b, double relative = 1e-15) {
  return std::fabs(a - b) <= relative * std::fabs(b);
}

}  // namespace

TEST_CASE("figures of five values worked out by hand") {
  const std::vector<float> x = {1.0f, -2.0f, 3.0f, 0.0f, 0.5f}, y = {1.0f, -1.5f, 4.0f, 0.0f, 0.0f};
  const nvq::error_sums e = nvq::measure(x, y);
  CHECK(e.count == 5);
  CHECK(e.signal == 14.25);
  CHECK(e.noise == 1.5);
  CHECK(e.decoded == 19.25);
  CHECK(e.product == 16.0);
  CHECK(e.flushed == 1);
  CHECK(e.not_finite == 0);
  CHECK(e.max_abs_error == 1.0);
  CHECK(e.max_rel_error == 1.0);
  CHECK(e.mse() == 0.3);
  CHECK(close(e.nmse(), 0.10526315789473684));    // 2/19
  CHECK(close(e.sqnr_db(), 9.7772360528884777));  // 10 log10(9.5)
  CHECK(close(e.cosine(), 0.96604461408368254));  // 16 / sqrt(274.3125)
  CHECK(nvq::sqnr_db(x, y) == e.sqnr_db());
}

TEST_CASE("the relative error of values far below the amax counts from 2^-20 of it") {
  nvq::error_sums e(3.0f);
  e.add(0x1p-30f, 0.0f);
  CHECK(e.max_rel_error == 0x1p-10 / 3.0);
  CHECK(e.flushed == 1);
  nvq::error_sums plain;
  plain.add(0x1p-30f, 0.0f);
  CHECK(plain.max_rel_error == 1.0);
  plain.add(0.0f, 0x1p-30f);
  CHECK(plain.max_rel_error == std::numeric_limits<double>::infinity());
  CHECK(plain.flushed == 1);
  plain.add(0.0f, 0.0f);
  CHECK(plain.max_rel_error == std::numeric_limits<double>::infinity());
}

TEST_CASE("figures without noise, without signal, without values") {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<float> zero(3, 0.0f), one(3, 1.0f), none;
  const auto equal = nvq::measure(one, one), nothing = nvq::measure(zero, zero),
             empty = nvq::measure(none, none);
  CHECK(equal.sqnr_db() == inf);
  CHECK(equal.cosine() == 1.0);
  CHECK(equal.nmse() == 0.0);
  CHECK(nothing.sqnr_db() == inf);
  CHECK(nothing.nmse() == 0.0);
  CHECK(nothing.cosine() == 1.0);
  CHECK(empty.sqnr_db() == inf);
  CHECK(empty.mse() == 0.0);
  const auto invented = nvq::measure(zero, one), lost = nvq::measure(one, zero);
  CHECK(invented.sqnr_db() == -inf);
  CHECK(invented.nmse() == inf);
  CHECK(invented.cosine() == 0.0);
  CHECK(lost.sqnr_db() == 0.0);
  CHECK(lost.cosine() == 0.0);
  CHECK(lost.flushed == 3);
}

TEST_CASE("NaN and infinities enter the figures and are counted") {
  const std::vector<float> y = {1.0f, 2.0f, 3.0f};
  const auto with_nan = nvq::measure(std::vector<float>{1.0f, nvq::quiet_nan(), 3.0f}, y);
  CHECK(with_nan.not_finite == 1);
  CHECK(std::isnan(with_nan.sqnr_db()));
  CHECK(std::isnan(with_nan.max_abs_error));
  CHECK(std::isnan(with_nan.max_rel_error));
  const auto with_inf = nvq::measure(y, std::vector<float>{1.0f, 2.0f, nvq::infinity()});
  CHECK(with_inf.not_finite == 1);
  CHECK(with_inf.sqnr_db() == -std::numeric_limits<double>::infinity());
  CHECK(with_inf.max_abs_error == std::numeric_limits<double>::infinity());
}

TEST_CASE("squares of the largest and the smallest floats neither overflow nor vanish") {
  const float big = nvq::float_max(), small = nvq::exp2i(-149);
  const std::vector<float> x = {big, small}, y = {-big, -small};
  const auto e = nvq::measure(x, y);
  const double m = static_cast<double>(big);
  CHECK(e.noise == 4 * m * m);
  CHECK(e.cosine() == -1.0);
  CHECK(nvq::measure(std::vector<float>{small}, std::vector<float>{-small}).noise == 0x1p-296);
}

TEST_CASE("sums agree with long double sums") {
  const std::size_t n = 200000;
  const std::vector<float> x = numbers(n, 1);
  std::vector<float> y = x;
  for (float& v : y) v = std::nearbyint(v * 8.0f) / 8.0f;
  long double signal = 0, noise = 0, decoded = 0, product = 0, largest = 0, amax = 0, relative = 0;
  std::int64_t flushed = 0;
  for (const float v : x) amax = std::fmax(amax, std::fabs(static_cast<long double>(v)));
  for (std::size_t i = 0; i < n; ++i) {
    const long double a = static_cast<long double>(x[i]), b = static_cast<long double>(y[i]),
                      d = std::fabs(a - b);
    signal += a * a, decoded += b * b, product += a * b, noise += d * d;
    largest = std::fmax(largest, d);
    relative = std::fmax(relative, d / std::fmax(std::fabs(a), amax * 0x1p-20L));
    flushed += a != 0 && b == 0;
  }
  const auto e = nvq::measure(x, y);
  CHECK(close(e.signal, static_cast<double>(signal), 1e-13));
  CHECK(close(e.noise, static_cast<double>(noise), 1e-13));
  CHECK(close(e.decoded, static_cast<double>(decoded), 1e-13));
  CHECK(close(e.product, static_cast<double>(product), 1e-13));
  CHECK(e.max_abs_error == static_cast<double>(largest));
  CHECK(close(e.max_rel_error, static_cast<double>(relative)));
  CHECK(e.flushed == flushed);
  CHECK(flushed > 0);
  CHECK(close(e.sqnr_db(), static_cast<double>(10 * std::log10(signal / noise)), 1e-13));
  CHECK(close(e.cosine(), static_cast<double>(product / std::sqrt(signal * decoded)), 1e-13));
  CHECK(close(e.mse(), static_cast<double>(noise / n), 1e-13));
}

TEST_CASE("sums depend neither on the executor nor on row strides") {
  const std::int64_t rows = 700, columns = 311, stride = 320;
  const std::vector<float> x = numbers(static_cast<std::size_t>(rows * stride), 2),
                           y = numbers(static_cast<std::size_t>(rows * stride), 3);
  const nvq::matrix_view<const float> a(x.data(), {rows, columns}, stride),
      b(y.data(), {rows, columns}, stride);
  std::vector<float> p, q;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) p.push_back(a(r, c)), q.push_back(b(r, c));
  Backwards backwards;
  const auto e = nvq::measure(p, q);
  CHECK(e.count == rows * columns);
  CHECK(same(nvq::measure(a, b), e));
  CHECK(same(nvq::measure(a, b, backwards), e));
  CHECK(same(nvq::measure(p, q, backwards), e));
}

TEST_CASE("merging parts gives the whole") {
  const std::vector<float> x = {1.0f, -2.0f, 3.0f, 0.0f, 0.5f}, y = {1.0f, -1.5f, 4.0f, 0.0f, 0.0f};
  for (std::size_t cut = 0; cut <= x.size(); ++cut) {
    nvq::error_sums first(3.0f), second(3.0f);
    for (std::size_t i = 0; i < x.size(); ++i) (i < cut ? first : second).add(x[i], y[i]);
    first.merge(second);
    CHECK(same(first, nvq::measure(x, y)));
  }
}

TEST_CASE("16-bit inputs") {
  const std::array<nvq::half, 2> x = {nvq::half(1.5f), nvq::half(-2.0f)};
  const std::array<nvq::bfloat16, 2> y = {nvq::bfloat16(1.0f), nvq::bfloat16(-2.0f)};
  CHECK(nvq::measure(x, y).noise == 0.25);
}

TEST_CASE("what cannot be compared is refused") {
  const std::vector<float> x(6), y(5);
  CHECK(nvq::measure(x, y).ec == nvq::errc::output_size);
  CHECK(std::isnan(nvq::sqnr_db(x, y)));
  CHECK(std::isnan(nvq::measure(x, y).mse()));
  CHECK(std::isnan(nvq::measure(x, y).cosine()));
  const nvq::matrix_view<const float> a(x.data(), {2, 3}), b(x.data(), {3, 2}), none(nullptr, {2, 3});
  CHECK(nvq::measure(a, b).ec == nvq::errc::output_size);
  CHECK(nvq::measure(a, none).ec == nvq::errc::null_pointer);
  CHECK(nvq::measure(none, a).ec == nvq::errc::null_pointer);
}
