// SPDX-License-Identifier: Apache-2.0
// The same bytes however many threads run the tasks, and in whatever order.

#include <algorithm>
#include <nvq/thread_pool.hpp>
#include <thread>
#include <utility>

#include "reference.hpp"

using namespace properties;

namespace {

struct Reversed {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    tasks = std::max(tasks, n);
    for (std::size_t i = n; i-- > 0;) fn(i);
  }
  std::size_t tasks = 0;
};

/// Three threads, every task on some thread, in an order of its own.
struct Threads {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    oracle::Lcg random(n);
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.bits() % i]);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 3; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = t; i < n; i += 3) fn(order[i]);
      });
    for (std::thread& thread : threads) thread.join();
  }
};

template <class F>
void check_executors(bool stochastic) {
  const std::size_t rows = 300, columns = 701;
  static const std::vector<float> values = normal_matrix(rows, columns);
  nvq::encode_options options;
  options.stochastic = stochastic;
  options.seed = 42;
  const nvq::default_recipe<F> recipe{};
  const auto serial = nvq::quantize<F>(values, {rows, columns}, recipe, options);
  if (!stochastic)  // of as many values that there are several tasks
    CHECK(first_difference(serial.codes(), reference_encode<F>(values, rows, columns, recipe).codes) == "");
  Reversed reversed;
  options.executor = reversed;
  check_same(serial, nvq::quantize<F>(values, {rows, columns}, recipe, options));
  CHECK(reversed.tasks > 1);
  Threads threads;
  options.executor = threads;
  check_same(serial, nvq::quantize<F>(values, {rows, columns}, recipe, options));
  const std::vector<float> expected = nvq::dequantize<float>(serial);
  for (const unsigned count : {1u, 2u, 7u}) {
    nvq::thread_pool pool(count);
    options.executor = pool;
    check_same(serial, nvq::quantize<F>(values, {rows, columns}, recipe, options));
    CHECK(first_difference(nvq::dequantize<float>(serial, pool), expected) == "");
  }
  CHECK(first_difference(nvq::dequantize<float>(serial, reversed), expected) == "");
  CHECK(first_difference(nvq::dequantize<float>(serial, threads), expected) == "");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("the bytes do not depend on the executor", "[tensor]", nvq::AllFormats) {
  check_executors<TestType>(false);
  using E = typename TestType::element;
  if (!std::is_same<E, nvq::NormalFloat4>::value && !std::is_same<E, nvq::UInt4>::value)
    check_executors<TestType>(true);
}
