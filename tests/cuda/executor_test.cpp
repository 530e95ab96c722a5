// SPDX-License-Identifier: Apache-2.0
// The executor under the kernels' tests: what threads see, in which order they run, and that it tells wrong kernels.

#include <algorithm>
#include <set>

#include "executor.hpp"
#include "support/catch.hpp"

namespace {

using namespace nvq::cuda;
using executor::order;
using executor::run_threads;

TEST_CASE("threads of a grid know where they are") {
  std::vector<unsigned> visits(64 * 3 * 2);
  const auto body = [out = visits.data()] {
    const bool right_sizes = block_threads() == 64 && grid_x() == 3 && grid_y() == 2;
    const unsigned block = block_index_y() * 3 + block_index_x();
    out[block * 64 + thread_index()] += right_sizes && lane() == thread_index() % 32 ? 1u : 100u;
  };
  for (const order o : {order::forward, order::reverse, order::random}) {
    std::fill(visits.begin(), visits.end(), 0u);
    CHECK(run_threads({3, 2}, 64, {o}, body).error == "");
    CHECK(std::count(visits.begin(), visits.end(), 1u) == 64 * 3 * 2);
  }
  CHECK(host_thread::current() == nullptr);
}

struct pair_of_words {
  float f;
  unsigned u;
};

TEST_CASE("lanes exchange values") {
  const auto body = [] {
    const unsigned t = thread_index(), l = lane(), warp = t - l;
    unsigned wrong = 0;
    wrong |= shuffle(t, 7) != warp + 7;
    wrong |= shuffle(t, 33 + l) != warp + (l + 1) % 32;  // sources wrap around, each lane has its own
    wrong |= shuffle_xor(t, 5) != (t ^ 5);
    wrong |= shuffle_down(t, 4) != (l < 28 ? t + 4 : t);
    wrong |= shuffle(-static_cast<int>(t), l) != -static_cast<int>(t);
    wrong |= shuffle_xor(0.5f * static_cast<float>(t), 1) != 0.5f * static_cast<float>(t ^ 1);
    wrong |= shuffle_xor((std::uint64_t{t} << 40) + t, 16) != (std::uint64_t{t ^ 16} << 40) + (t ^ 16);
    const pair_of_words next = shuffle_down(pair_of_words{static_cast<float>(t), t}, 1);
    wrong |= l < 31 && (next.f != static_cast<float>(t + 1) || next.u != t + 1);
    wrong |= warp_ballot(t % 3 == 0) != (warp % 3 == 0   ? 0x49249249u
                                         : warp % 3 == 1 ? 0x24924924u
                                                         : 0x92492492u);
    wrong |= warp_any(t == 40) != (warp == 32) || warp_any(false);
    wrong |= warp_all(t != 40) != (warp != 32) || !warp_all(true);
    return wrong;
  };
  for (const order o : {order::forward, order::reverse, order::random}) {
    unsigned ran = 0, wrong = 0;
    CHECK(run_threads({2, 1}, 96, {o}, [&] { wrong += body(), ++ran; }).error == "");
    CHECK(ran == 192);
    CHECK(wrong == 0);
  }
}

TEST_CASE("atomics return what was there") {
  unsigned count = 0, largest = 5;
  int sum = 0;
  float half_sum = 0.0f;
  std::set<unsigned> before;
  const auto r = run_threads({2, 2}, 128, {order::random, 3}, [&] {
    before.insert(atomic_add(&count, 1u));
    atomic_add(&sum, -static_cast<int>(thread_index()));
    atomic_add(&half_sum, 0.5f);
    atomic_max(&largest, thread_index() * 2);
  });
  CHECK(r.error == "");
  CHECK(count == 512);
  CHECK(before.size() == 512);
  CHECK(*before.rbegin() == 511);
  CHECK(sum == -4 * 127 * 64);
  CHECK(half_sum == 256.0f);
  CHECK(largest == 254);
  CHECK(atomic_max(&largest, 3u) == 254);
  CHECK(largest == 254);
}

/// Blocks, and threads before and after a barrier, in the order in which they ran.
std::vector<unsigned> trace(const executor::schedule& schedule) {
  std::vector<unsigned> ran;
  const auto body = [&] {
    ran.push_back(block_index_x() * 1000 + thread_index());
    barrier();
    ran.push_back(block_index_x() * 1000 + 500 + thread_index());
  };
  REQUIRE(run_threads({2, 1}, 64, schedule, body).error == "");
  return ran;
}

TEST_CASE("schedules order threads and blocks") {
  std::vector<unsigned> forward;
  for (const unsigned phase : {0u, 500u, 1000u, 1500u}) {
    for (unsigned t = 0; t < 64; ++t) forward.push_back(phase + t);
  }
  // The last to come to a barrier does not wait there; reverse runs 63 to 0 before it and after it.
  std::vector<unsigned> reverse;
  for (const unsigned phase : {1000u, 1500u, 0u, 500u}) {
    for (unsigned t = 64; t-- > 0;) reverse.push_back(phase + t);
  }
  CHECK(trace({order::forward}) == forward);
  CHECK(trace({order::reverse}) == reverse);

  const auto random = trace({order::random, 1});
  CHECK(random == trace({order::random, 1}));
  CHECK(random != trace({order::random, 2}));
  CHECK(std::is_permutation(random.begin(), random.end(), forward.begin(), forward.end()));
  std::vector<unsigned> before(random.begin(), random.begin() + 64),
      after(random.begin() + 64, random.begin() + 128);
  for (unsigned& t : after) t -= 500;
  CHECK(std::is_permutation(before.begin(), before.end(), after.begin(), after.end()));
  CHECK(before != after);
}

TEST_CASE("a thread runs ahead as far as barriers let it") {
  std::vector<unsigned> ran;
  const auto body = [&] {
    for (int i = 0; i < 3; ++i) {
      if (lane() == 0) ran.push_back(thread_index() / 32);
      warp_barrier();
    }
  };
  CHECK(run_threads({}, 96, {order::forward}, body).error == "");
  CHECK(ran == std::vector<unsigned>{0, 0, 0, 1, 1, 1, 2, 2, 2});
}

TEST_CASE("every block finds its shared memory without values") {
  struct kernel {
    struct shared {
      alignas(64) unsigned word[48];
    };
    unsigned* poisoned;
    void operator()(shared& s) const {
      if (thread_index() < 48) *poisoned += s.word[thread_index()] == 0xFFFFFFFFu;
      barrier();
      if (thread_index() < 48) s.word[thread_index()] = 0;
      *poisoned += reinterpret_cast<std::uintptr_t>(&s) % 64 != 0;
    }
  };
  unsigned poisoned = 0;
  CHECK(executor::run(kernel{&poisoned}, {2, 2}, 64).error == "");
  CHECK(poisoned == 4 * 48);
}

TEST_CASE("blocks are a multiple of 32 threads up to 1024") {
  for (const unsigned threads : {0u, 1u, 33u, 1056u}) {
    CHECK(run_threads({}, threads, {}, [] {}).error ==
          std::to_string(threads) + " threads are not a multiple of 32 up to 1024");
  }
}

}  // namespace
