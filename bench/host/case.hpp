// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nvq/float16.hpp>
#include <nvq/span.hpp>
#include <nvq/thread_pool.hpp>
#include <string>
#include <type_traits>

// One case a line: see codecs.cpp. Names are fields between slashes, which table.py and plot.py read:
//
//   what/format/values/recipe/place/threads        encode/NVFP4/bf16/transformer_engine/memory/2
//
// `read` and `written` are the bytes that one call has to move, each counted once.

namespace bench {

/// Where the data of a case is.
struct place {
  const char* name;
  std::int64_t rows, columns;
  std::int64_t values() const { return rows * columns; }
};
/// 64 Ki values: in the second-level cache.
extern const place cache;
/// 64 Mi values: 256 MiB of float, more than caches hold. NVQ_BENCH_MIB in the environment sets the MiB of float.
extern const place memory;

struct work {
  double values = 0, read = 0, written = 0;
  std::function<void()> call;
};

/// Registers a case. `prepare` is called when it is about to be measured.
void add(const std::string& name, const place& where, unsigned threads, std::function<work()> prepare);

/// Calls `f(where, threads)` for each combination that is measured: in cache with one thread, in memory with one, two and
/// all.
void for_each_setting(const std::function<void(const place&, unsigned)>& f);

/// A pool of so many threads.
nvq::thread_pool& pool(unsigned threads);

/// Normal values, as many as asked for; made once.
template <class T>
nvq::span<const T> input(std::int64_t count);

/// Memory for results, aligned to cache lines and touched before; the same for every case. At most four at a time.
void* output(int index, std::size_t bytes);

/// Clock cycles a nanosecond, measured now: a chain of dependent additions does one a cycle. 0 where there is no such
/// chain.
double gigahertz();

template <class T>
constexpr const char* type_name() {
  return sizeof(T) == 4 ? "f32" : std::is_same<T, nvq::half>::value ? "f16" : "bf16";
}

void add_memory_cases();
void add_codec_cases();
void add_product_cases();
void add_layout_cases();

}  // namespace bench
