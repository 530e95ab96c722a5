// SPDX-License-Identifier: Apache-2.0
#include "case.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <set>
#include <vector>

namespace bench {

namespace {

std::int64_t memory_rows() {
  const char* mib = std::getenv("NVQ_BENCH_MIB");
  const std::int64_t wanted = mib != nullptr ? std::atoll(mib) : 256;
  return std::max<std::int64_t>(1, wanted) * 64;  // 16 KiB a row
}

void run(benchmark::State& state, const std::function<work()>& prepare) {
  const work w = prepare();
  w.call();
  for (auto _ : state) {
    w.call();
    benchmark::ClobberMemory();
  }
  state.counters["values"] = w.values;
  state.counters["read"] = w.read;
  state.counters["written"] = w.written;
  state.counters["gigahertz"] = gigahertz();
}

struct aligned_delete {
  void operator()(void* p) const { ::operator delete (p, std::align_val_t{4096}); }
};
struct buffer {
  std::unique_ptr<void, aligned_delete> data;
  std::size_t bytes = 0;
};

}  // namespace

const place cache = {"cache", 16, 4096};
const place memory = {"memory", memory_rows(), 4096};

void add(const std::string& name, const place& where, unsigned threads, std::function<work()> prepare) {
  const std::string full = name + '/' + where.name + '/' + std::to_string(threads);
  auto* b = benchmark::RegisterBenchmark(
      full.c_str(), [prepare = std::move(prepare)](benchmark::State& state) { run(state, prepare); });
  // The time of one thread is what its processor spent, which others' work disturbs less; that of several is the clock's.
  if (threads > 1) b->UseRealTime();
}

void for_each_setting(const std::function<void(const place&, unsigned)>& f) {
  f(cache, 1);
  for (const unsigned threads : std::set<unsigned>{1, 2, std::max(1u, std::thread::hardware_concurrency())})
    f(memory, threads);
}

nvq::thread_pool& pool(unsigned threads) {
  static std::map<unsigned, std::unique_ptr<nvq::thread_pool>> pools;
  auto& p = pools[threads];
  if (!p) p = std::make_unique<nvq::thread_pool>(threads);
  return *p;
}

template <class T>
nvq::span<const T> input(std::int64_t count) {
  static std::vector<T> values;
  const std::size_t n = static_cast<std::size_t>(count), drawn = std::size_t{1} << 20;
  if (values.empty()) {
    std::mt19937 generator(1);
    std::normal_distribution<float> normal(0.0f, 0.02f);
    for (std::size_t i = 0; i < drawn; ++i) values.push_back(static_cast<T>(normal(generator)));
  }
  while (values.size() < n) {
    const std::size_t have = values.size();
    values.resize(std::min(2 * have, n));
    std::copy_n(values.begin(), values.size() - have, values.begin() + static_cast<std::ptrdiff_t>(have));
  }
  return {values.data(), n};
}
template nvq::span<const float> input<float>(std::int64_t);
template nvq::span<const nvq::bfloat16> input<nvq::bfloat16>(std::int64_t);
template nvq::span<const nvq::half> input<nvq::half>(std::int64_t);

void* output(int index, std::size_t bytes) {
  static buffer buffers[4];
  buffer& b = buffers[index];
  if (b.bytes < bytes) {
    b.data.reset();
    b.data.reset(::operator new (bytes, std::align_val_t{4096}));
    b.bytes = bytes;
    std::memset(b.data.get(), 0, bytes);
  }
  return b.data.get();
}

double gigahertz() {
#if (defined(__GNUC__) || defined(__clang__)) && (defined(__x86_64__) || defined(__aarch64__))
  constexpr int loops = 20000;
  double best = 0;
  for (int trial = 0; trial < 15; ++trial) {
    std::uint64_t sum = 0, one = 1;
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 0; i < loops; ++i) {
      // A register is added: additions of constants are merged by newer processors.
#if defined(__x86_64__)
#define NVQ_BENCH_ADD "add %1, %0\n\t"
#else
#define NVQ_BENCH_ADD "add %0, %0, %1\n\t"
#endif
#define NVQ_BENCH_ADD8                                                                              \
  NVQ_BENCH_ADD NVQ_BENCH_ADD NVQ_BENCH_ADD NVQ_BENCH_ADD NVQ_BENCH_ADD NVQ_BENCH_ADD NVQ_BENCH_ADD \
      NVQ_BENCH_ADD
      asm volatile(NVQ_BENCH_ADD8 NVQ_BENCH_ADD8 NVQ_BENCH_ADD8 NVQ_BENCH_ADD8 : "+r"(sum) : "r"(one));
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
    best = std::max(best, 32.0 * loops / took.count());
  }
  return best;
#else
  return 0;
#endif
}

}  // namespace bench
