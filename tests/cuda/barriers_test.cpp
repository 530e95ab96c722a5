// SPDX-License-Identifier: Apache-2.0
// The executor notices barriers that are missing, needless, or not reached by all.

#include <regex>

#include "check.hpp"
#include "support/catch.hpp"

namespace {

using namespace nvq::cuda;
using executor::check_barriers;
using executor::check_orders;

/// Turns the values of each block around `times` times, with one barrier of two left out on demand.
struct turn_around {
  struct shared {
    unsigned word[1024];
  };
  unsigned* values;
  int times;
  bool after_write, after_read, needless;
  void operator()(shared& s) const {
    const unsigned t = thread_index(), n = block_threads();
    unsigned* const mine = values + block_index_x() * n + t;
    for (int i = 0; i < times; ++i) {
      s.word[t] = *mine + 1;
      if (after_write) barrier();
      *mine = s.word[n - 1 - t];
      if (after_read) barrier();
    }
    if (needless) barrier();
  }
};

executor::runner runner_of(turn_around kernel) {
  return [=](const executor::schedule& schedule) mutable {
    std::vector<unsigned> values(2 * 64), expected(2 * 64);
    for (unsigned i = 0; i < 128; ++i) {
      values[i] = i;
      expected[i] =
          (kernel.times % 2 == 0 ? i : i / 64 * 64 + 63 - i % 64) + static_cast<unsigned>(kernel.times);
    }
    kernel.values = values.data();
    auto report = executor::run(kernel, {2, 1}, 64, schedule);
    return executor::outcome{report, values == expected};
  };
}

TEST_CASE("a missing barrier shows") {
  CHECK(check_orders(runner_of({nullptr, 3, true, true, false})) == "");
  CHECK(check_orders(runner_of({nullptr, 3, false, true, false})) != "");
  CHECK(check_orders(runner_of({nullptr, 3, true, false, false})) != "");
}

TEST_CASE("barriers are taken out in turn") {
  CHECK(check_barriers(runner_of({nullptr, 3, true, true, false})) == "");
  CHECK(check_barriers(runner_of({nullptr, 3, false, true, false})) != "");

  const auto needless = runner_of({nullptr, 3, true, true, true});
  const auto barriers = needless({}).run.barriers;
  REQUIRE(barriers.size() == 3);
  CHECK(check_barriers(needless) ==
        "nothing notices that the barrier at " + executor::to_string(barriers[2]) + " is missing\n");
  // Done once, nothing is written after it was read.
  CHECK(check_barriers(runner_of({nullptr, 1, true, true, false})) ==
        "nothing notices that the barrier at " + executor::to_string(barriers[1]) + " is missing\n");
}

/// Each lane hands a value to the next within its warp.
struct rotate {
  struct shared {
    unsigned word[64];
  };
  unsigned* values;
  void operator()(shared& s) const {
    const unsigned t = thread_index(), next = t - lane() + (lane() + 1) % 32;
    s.word[t] = t;
    warp_barrier();
    values[t] = s.word[next];
    warp_barrier();
    s.word[t] = 2 * t;
    warp_barrier();
    values[t] += s.word[next];
  }
};

TEST_CASE("warp barriers are taken out, too") {
  const auto run = [](const executor::schedule& schedule) {
    std::vector<unsigned> values(64), expected;
    for (unsigned t = 0; t < 64; ++t) expected.push_back(3 * (t / 32 * 32 + (t + 1) % 32));
    auto report = executor::run(rotate{values.data()}, {}, 64, schedule);
    return executor::outcome{report, values == expected};
  };
  CHECK(executor::run(rotate{std::vector<unsigned>(64).data()}, {}, 64).barriers.size() == 3);
  CHECK(check_barriers(run) == "");
}

std::string error_of(unsigned threads, const std::function<void()>& body) {
  return executor::run_threads({2, 1}, threads, {}, body).error;
}

TEST_CASE("barriers are told by the line that calls them") {
  int line = 0;
  const auto body = [&] { barrier(), line = __LINE__; };
  const auto barriers = executor::run_threads({}, 32, {}, body).barriers;
  REQUIRE(barriers.size() == 1);
  CHECK(executor::to_string(barriers[0]) == "barriers_test.cpp:" + std::to_string(line));
}

TEST_CASE("threads that wait in vain are named") {
  // The message without the line numbers.
  const auto stuck = [](unsigned threads, const std::function<void()>& body) {
    return std::regex_replace(error_of(threads, body), std::regex(" at barriers_test.cpp:[0-9]+"), "");
  };

  const auto some_end = [] {
    if (thread_index() >= 33) barrier();
  };
  CHECK(stuck(96, some_end) == "block (0, 0): threads 0-32 ended; threads 33-95 in barrier()");

  const auto lane_ends = [] {
    if (block_index_x() == 1 && thread_index() == 5) return;
    shuffle_xor(1, 1);
  };
  CHECK(stuck(64, lane_ends) ==
        "block (1, 0): threads 0-4 in shuffle_xor(); thread 5 ended; threads 6-31 in shuffle_xor(); "
        "threads 32-63 ended");

  const auto different_exchanges = [] {
    if (lane() < 16) warp_ballot(true);
    if (lane() >= 16) warp_any(true);
  };
  CHECK(stuck(32, different_exchanges) ==
        "block (0, 0): threads 0-15 in warp_ballot(); threads 16-31 in warp_any()");

  const auto warp_and_block = [] {
    if (lane() < 16) barrier();
    if (lane() >= 16) warp_barrier();
  };
  CHECK(stuck(32, warp_and_block) ==
        "block (0, 0): threads 0-15 in barrier(); threads 16-31 in warp_barrier()");

  // Happens to work on a GPU, and is undefined there.
  const auto two_barriers = [] {
    if (thread_index() < 32) barrier();
    if (thread_index() >= 32) barrier();
  };
  CHECK(stuck(64, two_barriers) == "block (0, 0): threads 0-31 in barrier(); threads 32-63 in barrier()");
}

TEST_CASE("the executor survives threads that waited in vain") {
  const auto first_waits = [] {
    if (thread_index() == 0) barrier();
  };
  CHECK(error_of(64, first_waits) != "");
  CHECK(error_of(64, [] { barrier(); }) == "");
}

TEST_CASE("threads may end early where nobody waits for them") {
  unsigned last = 0;
  const auto body = [&] {
    barrier();
    if (thread_index() < 32) return;
    warp_barrier();
    last = thread_index();
  };
  CHECK(error_of(64, body) == "");
  CHECK(last == 63);
}

}  // namespace
