// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <nvq/cuda/launch.cuh>
#include <nvq/float16.hpp>

#include "memory.cuh"

// A function of an index, computed for a range of indices on the device and compared with one on the host.

namespace gpu {

/// What is compared, as bits.
template <std::size_t N>
struct words {
  std::uint32_t word[N];
  friend bool operator==(const words& a, const words& b) { return std::equal(a.word, a.word + N, b.word); }
};

template <std::size_t N>
std::string to_string(const words<N>& w) {
  std::string text;
  for (const std::uint32_t word : w.word) {
    char hex[16];
    std::snprintf(hex, sizeof hex, " %08x", static_cast<unsigned>(word));
    text += hex;
  }
  return text;
}

// Any NaN is a NaN.
NVQ_HD inline std::uint32_t canonical(float x) { return nvq::is_nan(x) ? 0x7FC00000u : nvq::float_bits(x); }
template <class T>
NVQ_HD std::uint32_t canonical(std::uint16_t bits) {
  const std::uint32_t infinity = std::is_same<T, nvq::half>::value ? 0x7C00u : 0x7F80u;
  return (bits & 0x7FFFu) > infinity ? 0x7FFFu : bits;
}
template <class T>
NVQ_HD std::uint32_t canonical_pair(std::uint32_t pair) {
  return canonical<T>(static_cast<std::uint16_t>(pair)) | canonical<T>(static_cast<std::uint16_t>(pair >> 16))
                                                              << 16;
}

/// Random bits that are cheap on both sides (the finalizer of SplitMix64).
NVQ_HD inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}
NVQ_HD inline std::uint32_t mix32(std::int64_t index, std::uint32_t seed) {
  return static_cast<std::uint32_t>(mix(static_cast<std::uint64_t>(index) << 8 | seed) >> 32);
}

/// Floats whose exponents are spread over all of the range (`scale` 0), or around 1 with zeros among them.
NVQ_HD inline float random_float(std::uint32_t bits, bool all_exponents) {
  if (all_exponents) return nvq::float_from_bits(bits);
  if (bits % 61 == 0) return 0.0f;
  const std::uint32_t exponent = 127 - bits % 11;
  return nvq::float_from_bits((bits & 0x807FFFFFu) | exponent << 23);
}

template <class R, class Fn>
struct sweep_kernel {
  using shared = nvq::cuda::no_shared;
  static constexpr unsigned threads = 128;
  Fn fn;
  std::int64_t first, count;
  R* out;
  NVQ_HD void operator()(shared&) const {
    using namespace nvq::cuda;
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < count;
         i += std::int64_t{grid_x()} * block_threads())
      out[i] = fn(first + i);
  }
};

/// Memory that the device copies to at full speed.
template <class R>
class pinned_array {
 public:
  explicit pinned_array(std::size_t size) {
    void* memory = nullptr;
    require(cudaMallocHost(&memory, size * sizeof(R)), "cudaMallocHost");
    data_ = static_cast<R*>(memory);
  }
  pinned_array(const pinned_array&) = delete;
  pinned_array& operator=(const pinned_array&) = delete;
  ~pinned_array() { static_cast<void>(cudaFreeHost(data_)); }
  R* data() const { return data_; }

 private:
  R* data_ = nullptr;
};

enum class Verdict { equal, note };

/// Compares device(i), computed in a kernel, with host(i) for i in [0, n). Both return words<N>.
template <class Device, class Host>
void sweep(const std::string& what, std::int64_t n, Device device, Host host,
           Verdict verdict = Verdict::equal) {
  using R = decltype(host(std::int64_t{}));
  const std::int64_t most = (std::int64_t{1} << 28) / static_cast<std::int64_t>(sizeof(R));
  const std::int64_t chunk = n < most ? n : most, task = 1 << 14;
  device_array<R> out(static_cast<std::size_t>(chunk));
  const pinned_array<R> got(static_cast<std::size_t>(chunk));
  std::atomic<std::int64_t> wrong{0};
  std::mutex mutex;
  std::int64_t first_index = n;
  std::string example;
  for (std::int64_t first = 0; first < n; first += chunk) {
    const std::int64_t count = n - first < chunk ? n - first : chunk;
    using kernel = sweep_kernel<R, Device>;
    const std::int64_t blocks = (count + kernel::threads - 1) / kernel::threads;
    require(nvq::cuda::launch(kernel{device, first, count, out.data()},
                              {static_cast<unsigned>(blocks < 16384 ? blocks : 16384), 1}, kernel::threads,
                              nullptr),
            "launch");
    require(cudaMemcpy(got.data(), out.data(), static_cast<std::size_t>(count) * sizeof(R),
                       cudaMemcpyDeviceToHost),
            "kernel or copy");
    on_all_processors{}(static_cast<std::size_t>((count + task - 1) / task), [&](std::size_t t) {
      const std::int64_t begin = static_cast<std::int64_t>(t) * task, end = std::min(begin + task, count);
      for (std::int64_t i = begin; i < end; ++i) {
        const R expected = host(first + i);
        if (got.data()[i] == expected) continue;
        ++wrong;
        const std::lock_guard<std::mutex> lock(mutex);
        if (first + i >= first_index) continue;
        first_index = first + i;
        example = "item " + std::to_string(first_index) + ": device" + to_string(got.data()[i]) + ", host" +
                  to_string(expected);
      }
    });
  }
  (verdict == Verdict::equal ? expect : note)(what, n, wrong, example);
}

}  // namespace gpu
