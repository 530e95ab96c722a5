// SPDX-License-Identifier: Apache-2.0
// What the memory of this machine can do: the figures that codecs are compared with.

#include <cstring>

#include "case.hpp"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace bench {

namespace {

using vector = std::uint64_t __attribute__((vector_size(64)));

std::uint64_t any(const vector& a) { return a[0] | a[1] | a[2] | a[3] | a[4] | a[5] | a[6] | a[7]; }

/// All bytes, in vectors as wide as the processor has; so that the reads stay, the OR of them is returned.
std::uint64_t read_plain(const vector* from, std::size_t n) {
  vector a{}, b{};
  for (std::size_t i = 0; i + 2 <= n; i += 2) a |= from[i], b |= from[i + 1];
  a |= b;
  return any(a);
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) std::uint64_t read_avx512(const vector* from, std::size_t n) {
  vector a{}, b{}, c{}, d{};
  for (std::size_t i = 0; i + 4 <= n; i += 4)
    a |= from[i], b |= from[i + 1], c |= from[i + 2], d |= from[i + 3];
  a |= b | c | d;
  return any(a);
}
__attribute__((target("avx2"))) std::uint64_t read_avx2(const vector* from, std::size_t n) {
  vector a{}, b{};
  for (std::size_t i = 0; i + 2 <= n; i += 2) a |= from[i], b |= from[i + 1];
  a |= b;
  return any(a);
}
#endif

std::uint64_t read(const vector* from, std::size_t n) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return read_avx512(from, n);
  if (__builtin_cpu_supports("avx2")) return read_avx2(from, n);
#endif
  return read_plain(from, n);
}

/// Stores that go around the caches.
void write_streaming(vector* to, std::size_t n) {
#if defined(__x86_64__)
  const __m128i x = _mm_set1_epi32(0x01020304);
  auto* at = reinterpret_cast<__m128i*>(to);
  for (std::size_t i = 0; i < 4 * n; ++i) _mm_stream_si128(at + i, x);
  _mm_sfence();
#elif defined(__clang__)
  const vector x = {1, 2, 3, 4, 5, 6, 7, 8};
  for (std::size_t i = 0; i < n; ++i) __builtin_nontemporal_store(x, to + i);
#else
  std::memset(to, 1, n * sizeof(vector));
#endif
}

volatile std::uint64_t kept;

/// Each thread a stretch of whole pages.
template <class Fn>
std::function<void()> on_threads(unsigned threads, std::size_t vectors, Fn fn) {
  if (threads == 1) return [=] { fn(0, vectors); };
  return [=] {
    const std::size_t step = (vectors / threads + 63) / 64 * 64;
    pool(threads)(threads, [&](std::size_t i) {
      const std::size_t begin = i * step < vectors ? i * step : vectors;
      fn(begin, begin + step < vectors ? step : vectors - begin);
    });
  };
}

}  // namespace

void add_memory_cases() {
  for_each_setting([](const place& where, unsigned threads) {
    const std::size_t bytes = static_cast<std::size_t>(where.values()) * sizeof(float),
                      n = bytes / sizeof(vector);
    const double all = static_cast<double>(bytes);
    add("memcpy/-/-/-", where, threads, [=] {
      const auto* from = reinterpret_cast<const char*>(input<float>(where.values()).data());
      auto* to = static_cast<char*>(output(0, bytes));
      return work{0, all, all, on_threads(threads, n, [=](std::size_t first, std::size_t count) {
                    std::memcpy(to + first * 64, from + first * 64, count * 64);
                  })};
    });
    add("read/-/-/-", where, threads, [=] {
      auto* from = static_cast<vector*>(output(1, bytes));
      return work{0, all, 0, on_threads(threads, n, [=](std::size_t first, std::size_t count) {
                    kept = read(from + first, count);
                  })};
    });
    add("write/-/-/plain", where, threads, [=] {
      auto* to = static_cast<char*>(output(0, bytes));
      return work{0, 0, all, on_threads(threads, n, [=](std::size_t first, std::size_t count) {
                    std::memset(to + first * 64, 1, count * 64);
                  })};
    });
    add("write/-/-/streaming", where, threads, [=] {
      auto* to = static_cast<vector*>(output(0, bytes));
      return work{0, 0, all, on_threads(threads, n, [=](std::size_t first, std::size_t count) {
                    write_streaming(to + first, count);
                  })};
    });
  });
}

}  // namespace bench
