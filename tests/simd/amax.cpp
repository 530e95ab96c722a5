// SPDX-License-Identifier: Apache-2.0
#include "data.hpp"
#include "report.hpp"

namespace tiers {
namespace {

template <class T>
void compare(Report& report, const std::string& what, nvq::matrix_view<const T> in,
             nvq::executor_ref executor = {}) {
  for (const nvq::NaN nan : {nvq::NaN::ignore, nvq::NaN::propagate}) {
    const float wanted = report.scalar([&] { return nvq::amax(in, nan); });
    const float got = report.tier([&] { return nvq::amax(in, nan, executor); });
    report.same(what + (nan == nvq::NaN::ignore ? ", NaN ignored" : ", NaN propagates"), "amax", &wanted,
                &got, sizeof got);
  }
}

template <class T>
void check_type(Report& report) {
  const std::string type = std::to_string(8 * sizeof(T)) + " bits, ";
  Threads threads;
  for (const Data& set : data_sets(200)) {
    std::vector<T> values;
    for (const float x : set.values) values.push_back(static_cast<T>(x));
    compare<T>(report, type + set.name, {values.data(), {200, 512}});
    compare<T>(report, type + set.name + ", strided", {values.data() + 1, {199, 500}, 511});
    compare<T>(report, type + set.name + ", threads", {values.data() + 1, {199, 511}, 512}, threads);
    for (std::size_t n = 0; n <= 300; ++n)
      compare<T>(report, type + set.name + ", " + std::to_string(n) + " values",
                 {values.data() + n % 5, {n % 3 + 1, n}});
  }
  // Every pattern by itself among zeros, at changing places.
  std::vector<T> values(83, T(0.0f));
  const std::vector<T> all = all_patterns<T>(false);
  for (std::size_t i = 0; i < all.size(); i += quick ? 9 : 1) {
    values[i % 83] = all[i];
    compare<T>(report, type + "pattern " + std::to_string(i), {values.data(), {1, 83}});
    values[i % 83] = T(0.0f);
  }
}

}  // namespace

void check_amax(Report& report) {
  check_type<float>(report);
  check_type<bfloat16>(report);
  check_type<half>(report);
}

}  // namespace tiers
