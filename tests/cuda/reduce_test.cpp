// SPDX-License-Identifier: Apache-2.0
// Reductions over warps and blocks, against what the values say.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <nvq/cuda/reduce.cuh>
#include <nvq/recipe/base.hpp>
#include <random>

#include "check.hpp"
#include "support/catch.hpp"

namespace {

using namespace nvq::cuda;
using executor::check_barriers;
using executor::check_orders;

constexpr unsigned per_thread = 3;

/// Each thread gathers per_thread values; every thread writes what block_reduce() gives it. Blocks do it twice with the
/// same shared memory.
template <class Statistic>
struct reduce_kernel {
  struct shared {
    reduce_storage<Statistic> statistics;
  };
  const float* in;
  Statistic* out;
  void operator()(shared& s) const {
    for (unsigned round = 0; round < 2; ++round) {
      const unsigned i = (2 * block_index_x() + round) * block_threads() + thread_index();
      Statistic mine;
      for (unsigned j = 0; j < per_thread; ++j) mine.add(in[i * per_thread + j]);
      if (round != 0) barrier();
      out[i] = block_reduce(mine, s.statistics);
    }
  }
};

// The definitions, over all values at once and in double where nothing of them is lost.

template <class Keep>
std::vector<float> values_where(const float* x, std::size_t n, Keep keep) {
  std::vector<float> kept;
  std::copy_if(x, x + n, std::back_inserter(kept), keep);
  return kept;
}
std::vector<float> numbers(const float* x, std::size_t n) {
  return values_where(x, n, [](float v) { return !std::isnan(v); });
}
float largest_magnitude(const std::vector<float>& x) {
  float m = 0.0f;
  for (const float v : x) m = std::fmax(m, std::fabs(v));
  return m;
}

void expect(const float* x, std::size_t n, nvq::AbsMax& s) { s.amax = largest_magnitude(numbers(x, n)); }
void expect(const float* x, std::size_t n, nvq::SignedMax& s) {
  const auto all = numbers(x, n);
  s.amax = largest_magnitude(all);
  s.value = *std::find_if(all.begin(), all.end(), [&](float v) { return std::fabs(v) == s.amax; });
}
void expect(const float* x, std::size_t n, nvq::MinMax& s) {
  auto all = numbers(x, n);
  s.amax = largest_magnitude(all);
  all.push_back(0.0f);
  s.min = *std::min_element(all.begin(), all.end());
  s.max = *std::max_element(all.begin(), all.end());
}
void expect(const float* x, std::size_t n, nvq::Range& s) {
  const auto all = numbers(x, n);
  s.amax = largest_magnitude(all);
  s.min = *std::min_element(all.begin(), all.end());
  s.max = *std::max_element(all.begin(), all.end());
}
void expect(const float* x, std::size_t n, nvq::AbsMaxNaN& s) {
  s.amax = largest_magnitude(numbers(x, n));
  const auto nan = values_where(x, n, [](float v) { return std::isnan(v); });
  // All NaNs of the inputs are the same.
  if (!nan.empty()) s.amax = nan[0];
}

/// Four groups of numbers, larger from group to group, with ties of opposite signs. Groups that come second have NaNs,
/// and threads that see nothing else.
std::vector<float> inputs(unsigned threads, bool all_positive, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> x(4 * threads * per_thread);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t group = i / (threads * per_thread);
    const float value = static_cast<float>(random() % 50 + 1 + 50 * group) * 0.25f;
    x[i] = !all_positive && random() % 2 == 0 ? -value : value;
    const bool nan = i / per_thread % 5 == 1 || random() % 16 == 0;
    if (group % 2 == 1 && nan) x[i] = std::numeric_limits<float>::quiet_NaN();
  }
  return x;
}

template <class Statistic>
executor::runner reduce_runner(unsigned threads, std::vector<float> in) {
  std::vector<Statistic> expected(4 * threads);
  for (unsigned group = 0; group < 4; ++group) {
    const std::size_t n = threads * per_thread;
    expect(&in[group * n], n, expected[group * threads]);
    std::fill_n(&expected[group * threads], threads, expected[group * threads]);
  }
  return [=](const executor::schedule& schedule) {
    std::vector<Statistic> out(expected.size());
    auto report = executor::run(reduce_kernel<Statistic>{in.data(), out.data()}, {2, 1}, threads, schedule);
    return executor::outcome{report,
                             std::memcmp(out.data(), expected.data(), out.size() * sizeof(Statistic)) == 0};
  };
}

TEMPLATE_TEST_CASE("blocks reduce statistics", "", nvq::AbsMax, nvq::AbsMaxNaN, nvq::SignedMax, nvq::MinMax,
                   nvq::Range) {
  for (const unsigned threads : {32u, 64u, 96u, 256u, 1024u}) {
    for (const bool all_positive : {false, true}) {
      const auto run = reduce_runner<TestType>(threads, inputs(threads, all_positive, threads));
      CAPTURE(threads, all_positive);
      CHECK(run({}).run.barriers.size() == 2);
      // A warp on its own is held together by its shuffles.
      const bool one_warp = threads == 32;
      CHECK((one_warp || threads == 1024 ? check_orders(run) : check_barriers(run)) == "");
    }
  }
}

/// Threads first to last; merging anything but the next ones is an error. Four words, the most that recipes have.
struct in_order {
  std::uint32_t first, last, errors, merges;
  void merge(in_order next) {
    errors += next.errors + (next.first != last + 1);
    merges += next.merges + 1;
    last = next.last;
  }
};

struct order_kernel {
  struct shared {
    reduce_storage<in_order> statistics;
  };
  in_order* out;
  void operator()(shared& s) const {
    const unsigned t = thread_index();
    out[t] = block_reduce(in_order{t, t, 0, 0}, s.statistics);
  }
};

TEST_CASE("blocks merge in the order of the threads") {
  for (unsigned threads = 32; threads <= 1024; threads += 32) {
    const auto run = [=](const executor::schedule& schedule) {
      std::vector<in_order> out(threads);
      auto report = executor::run(order_kernel{out.data()}, {}, threads, schedule);
      bool right = true;
      for (const in_order& o : out) {
        right = right && o.first == 0 && o.last == threads - 1 && o.errors == 0 && o.merges == threads - 1;
      }
      return executor::outcome{report, right};
    };
    CAPTURE(threads);
    CHECK((threads <= 256 ? check_barriers(run) : check_orders(run)) == "");
  }
}

template <int Lanes>
struct warp_kernel {
  using shared = no_shared;
  const float* in;
  float* amax;
  in_order* merged;
  void operator()(shared&) const {
    const unsigned t = thread_index();
    amax[t] = warp_amax<Lanes>(in[t]);
    merged[t] = warp_reduce<Lanes>(in_order{t, t, 0, 0});
  }
};

template <int Lanes>
void check_groups() {
  constexpr unsigned lanes = Lanes;
  std::vector<float> in(64);
  std::mt19937 random(Lanes);
  for (float& x : in) x = std::ldexp(1.0f, -static_cast<int>(random() % 149));  // subnormals, too
  in[40] = std::numeric_limits<float>::infinity();
  in[60] = std::numeric_limits<float>::quiet_NaN();
  const auto run = [&](const executor::schedule& schedule) {
    std::vector<float> amax(64);
    std::vector<in_order> merged(64);
    auto report = executor::run(warp_kernel<Lanes>{in.data(), amax.data(), merged.data()}, {}, 64, schedule);
    bool right = true;
    for (unsigned t = 0; t < 64; ++t) {
      const unsigned first = t / lanes * lanes;
      const float* group = &in[first];
      const bool nan = std::any_of(group, group + lanes, [](float x) { return std::isnan(x); });
      const bool right_amax = nan ? std::isnan(amax[t]) : amax[t] == *std::max_element(group, group + lanes);
      const in_order& o = merged[t];
      right = right && right_amax && o.first == first && o.last == first + lanes - 1 && o.errors == 0;
    }
    return executor::outcome{report, right};
  };
  CAPTURE(lanes);
  CHECK(check_orders(run) == "");
}

TEST_CASE("warps reduce over groups of lanes") {
  check_groups<1>();
  check_groups<2>();
  check_groups<4>();
  check_groups<8>();
  check_groups<16>();
  check_groups<32>();
}

/// Rows with one block each: two amax over two storages, so that one barrier a row is enough.
struct row_amax {
  struct shared {
    reduce_storage<float> of_row[2];
  };
  const float* in;
  float* out;
  unsigned rows;
  void operator()(shared& s) const {
    for (unsigned row = 0; row < rows; ++row) {
      const unsigned i = row * block_threads() + thread_index();
      out[i] = block_amax(nvq::abs(in[i]), s.of_row[row % 2]);
    }
  }
};

TEST_CASE("blocks reduce amax with one barrier a row") {
  const unsigned threads = 128, rows = 5;
  std::vector<float> in(threads * rows), expected(threads * rows);
  std::mt19937 random(1);
  for (float& x : in) x = static_cast<float>(random()) - 2147483648.0f;
  for (unsigned row = 0; row < rows; ++row) {
    const std::vector<float> values(&in[row * threads], &in[row * threads] + threads);
    std::fill_n(&expected[row * threads], threads, largest_magnitude(values));
  }
  const auto run = [&](const executor::schedule& schedule) {
    std::vector<float> out(in.size());
    auto report = executor::run(row_amax{in.data(), out.data(), rows}, {}, threads, schedule);
    return executor::outcome{report, out == expected};
  };
  CHECK(check_barriers(run) == "");
}

TEST_CASE("ranges without values merge as nothing") {
  nvq::Range range{2.0f, -1.0f, 2.0f};
  range.merge(nvq::Range{});
  CHECK(range.amax == 2.0f);
  CHECK(range.min == -1.0f);
  CHECK(range.max == 2.0f);
}

}  // namespace
