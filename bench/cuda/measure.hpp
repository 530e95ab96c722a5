// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// How long work in a stream takes, with its data not in the L2 cache.

namespace bench {

/// Ends the program where a call fails.
void require(cudaError_t error, const char* what);

/// One buffer of the device that is freed with it. `random`: filled with bits of ordinary bfloat16 values.
class buffer {
 public:
  explicit buffer(std::size_t bytes, bool random = false);
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer();
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
};

/// Launches the work on copy `index` of its data.
using work = std::function<cudaError_t(int index, cudaStream_t)>;

/// How many copies of `bytes` of data a measurement launches its work on, each once: as many as the L2 cache holds, at
/// least 2 and at most 64.
int copies_for(std::size_t bytes);

/// Seconds of one launch: of a CUDA graph of a launch on each copy, timed by events, the median of many. Before each
/// graph the L2 cache is filled with other data.
double seconds_of(const work& launch, int copies);

/// A line of the table. `bytes`: each input read once, each output written once.
void report(const std::string& what, std::int64_t rows, std::int64_t columns, double bytes, double seconds);

/// Bytes a second of the largest copy, reading and writing counted; 0 before it was measured.
double copy_bandwidth();

/// A benchmark registers itself and is run in the order of names.
struct benchmark {
  benchmark(const char* name, void (*run)());
};

struct shape {
  std::int64_t rows, columns;
};
/// Of projections in models of 8 to 405 billion parameters, and a few rows of activations.
const std::vector<shape>& shapes();

}  // namespace bench
