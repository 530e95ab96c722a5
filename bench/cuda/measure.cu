// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nvq/cuda/launch.cuh>

namespace bench {

void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

namespace {

/// Signs and mantissas of hashed bits, exponents around that of 1: what weights look like, and nothing that a memory
/// controller could compress.
struct fill_kernel {
  using shared = nvq::cuda::no_shared;
  static constexpr unsigned threads = 256;
  std::uint32_t* out;
  std::int64_t words;
  NVQ_HD void operator()(shared&) const {
    using namespace nvq::cuda;
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < words;
         i += std::int64_t{grid_x()} * block_threads()) {
      std::uint64_t x = static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15u;
      x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
      const auto bits = static_cast<std::uint32_t>(x >> 32);
      out[i] = (bits & 0x81FF81FFu) | 0x3E003E00u | (bits >> 3 & 0x01000100u);
    }
  }
};

/// Reads a buffer, so that the cache is full of it and has nothing to write back.
struct evict_kernel {
  using shared = nvq::cuda::no_shared;
  static constexpr unsigned threads = 256;
  std::uint32_t* words;
  std::int64_t count;
  NVQ_HD void operator()(shared&) const {
    using namespace nvq::cuda;
    std::uint32_t all = 0;
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < count;
         i += std::int64_t{grid_x()} * block_threads())
      all |= words[i];
    if (all == 1) words[0] = 2;  // never: the buffer is 0
  }
};

std::size_t cache_bytes() {
  int device = 0, cache = 0;
  require(cudaGetDevice(&device), "cudaGetDevice");
  require(cudaDeviceGetAttribute(&cache, cudaDevAttrL2CacheSize, device), "cudaDeviceGetAttribute");
  return static_cast<std::size_t>(cache);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

buffer::buffer(std::size_t bytes, bool random) {
  bytes = (bytes + 255) / 256 * 256;
  require(cudaMalloc(&data_, bytes), "cudaMalloc");
  if (random) {
    require(nvq::cuda::launch(fill_kernel{as<std::uint32_t>(), static_cast<std::int64_t>(bytes / 4)},
                              {8192, 1}, 256, nullptr),
            "fill");
  } else {
    require(cudaMemset(data_, 0, bytes), "cudaMemset");
  }
  require(cudaDeviceSynchronize(), "fill");
}
buffer::~buffer() { static_cast<void>(cudaFree(data_)); }

int copies_for(std::size_t bytes) {
  return static_cast<int>(std::clamp<std::size_t>(cache_bytes() / std::max<std::size_t>(bytes, 1), 2, 64));
}

double seconds_of(const work& launch, int copies) {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  require(cudaEventCreate(&begin), "cudaEventCreate");
  require(cudaEventCreate(&end), "cudaEventCreate");

  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  for (int i = 0; i < copies; ++i) require(launch(i, stream), "launch");
  require(cudaStreamEndCapture(stream, &graph), "cudaStreamEndCapture");
  require(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");

  const std::size_t evicted = 4 * cache_bytes();
  const buffer other(evicted);
  const evict_kernel evict{other.as<std::uint32_t>(), static_cast<std::int64_t>(evicted / 4)};
  const auto once = [&] {
    require(nvq::cuda::launch(evict, {4096, 1}, 256, stream), "launch");
    require(cudaEventRecord(begin, stream), "cudaEventRecord");
    require(cudaGraphLaunch(executable, stream), "cudaGraphLaunch");
    require(cudaEventRecord(end, stream), "cudaEventRecord");
    require(cudaEventSynchronize(end), "benchmark");
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, begin, end), "cudaEventElapsedTime");
    return static_cast<double>(milliseconds) * 1e-3 / copies;
  };
  once();
  once();
  const auto start = std::chrono::steady_clock::now();
  std::vector<double> seconds;
  while (seconds.size() < 5 ||
         (seconds.size() < 31 && std::chrono::steady_clock::now() - start < std::chrono::milliseconds(400)))
    seconds.push_back(once());

  require(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  require(cudaGraphDestroy(graph), "cudaGraphDestroy");
  require(cudaEventDestroy(begin), "cudaEventDestroy");
  require(cudaEventDestroy(end), "cudaEventDestroy");
  require(cudaStreamDestroy(stream), "cudaStreamDestroy");
  return median(seconds);
}

const std::vector<shape>& shapes() {
  static const std::vector<shape> list = {{1, 8192},     {16, 8192},   {64, 8192},    {4096, 4096},
                                          {14336, 4096}, {8192, 8192}, {28672, 8192}, {57344, 8192}};
  return list;
}

}  // namespace bench
