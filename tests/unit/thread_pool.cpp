// SPDX-License-Identifier: Apache-2.0
// Every task of every call runs exactly once, and is finished when the call returns.

#include <atomic>
#include <chrono>
#include <nvq/executor.hpp>
#include <nvq/thread_pool.hpp>
#include <thread>
#include <vector>

#include "../support/catch.hpp"

namespace {

/// Holds threads until as many as expected are here.
class Meeting {
 public:
  explicit Meeting(int expected) : missing_(expected) {}
  void wait() {
    --missing_;
    while (missing_ > 0) std::this_thread::yield();
  }

 private:
  std::atomic<int> missing_;
};

/// Runs n tasks; whether each ran once. Plain ints: a thread sanitizer sees a call that returns too early.
bool each_once(nvq::thread_pool& pool, std::size_t n) {
  std::vector<int> runs(n, 0);
  pool(n, [&](std::size_t i) { ++runs[i]; });
  for (const int r : runs)
    if (r != 1) return false;
  return true;
}

}  // namespace

TEST_CASE("a pool runs every task once", "[threads]") {
  const unsigned threads = GENERATE(1u, 2u, 3u, 7u);
  nvq::thread_pool pool(threads);
  CHECK(pool.threads() == threads);
  for (std::size_t n = 0; n < 70; ++n) CHECK(each_once(pool, n));
  CHECK(each_once(pool, 100000));
}

TEST_CASE("a pool of no given size has a thread for every core", "[threads]") {
  const nvq::thread_pool pool;
  const unsigned cores = std::thread::hardware_concurrency();
  CHECK(pool.threads() == (cores == 0 ? 1 : cores));
}

TEST_CASE("many short calls follow each other", "[threads]") {
  nvq::thread_pool pool(4);
  bool all = true;
  for (std::size_t call = 0; call < 20000; ++call) all = each_once(pool, call % 7) && all;
  CHECK(all);
}

TEST_CASE("all threads of a pool work, and a call waits for the last", "[threads]") {
  nvq::thread_pool pool(3);
  const std::thread::id caller = std::this_thread::get_id();
  Meeting all(3);
  std::atomic<unsigned> ended{0};
  pool(3, [&](std::size_t) {
    all.wait();  // which one thread alone would never leave
    if (std::this_thread::get_id() != caller) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++ended;
  });
  CHECK(ended == 3);
}

TEST_CASE("a task may call its own pool", "[threads]") {
  nvq::thread_pool pool(3);
  Meeting all(3);
  std::vector<int> runs(3 * 30, 0);
  pool(3, [&](std::size_t i) {
    all.wait();
    pool(30, [&, i](std::size_t j) { ++runs[i * 30 + j]; });
  });
  CHECK(runs == std::vector<int>(runs.size(), 1));
}

TEST_CASE("a call beside another does not wait for it", "[threads]") {
  nvq::thread_pool pool(3);
  Meeting begun(3), done(3);
  std::thread other([&] {
    pool(2, [&](std::size_t) {
      begun.wait();
      done.wait();
    });
  });
  begun.wait();
  CHECK(each_once(pool, 50));
  done.wait();
  other.join();
}

TEST_CASE("several threads may call one pool", "[threads]") {
  nvq::thread_pool pool(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (std::size_t call = 0; call < 500; ++call)
        if (!each_once(pool, call % 50)) ++wrong;
    });
  for (std::thread& t : callers) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("a pool is an executor", "[threads]") {
  nvq::thread_pool pool(2);
  const nvq::executor_ref executor = pool;
  CHECK_FALSE(executor.serial());
  std::atomic<std::size_t> sum{0};
  executor(100, [&](std::size_t i) { sum += i; });
  CHECK(sum == 4950);
}
