// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <string>
#include <vector>

#include "check.hpp"

namespace gpu {

inline void require(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw failure(std::string(what) + ": " + cudaGetErrorString(error));
}

/// Device memory with guards before and behind, which no kernel may touch.
template <class T>
class device_array {
 public:
  static constexpr unsigned char guard = 0xA5;
  static constexpr std::size_t margin = 256;  // bytes

  /// `offset` elements off the alignment of 256 bytes.
  explicit device_array(std::size_t size, std::size_t offset = 0)
      : size_(size), lead_(margin + offset * sizeof(T)) {
    void* memory = nullptr;
    require(cudaMalloc(&memory, bytes()), "cudaMalloc");
    memory_ = static_cast<unsigned char*>(memory);
    poison();
  }
  explicit device_array(const std::vector<T>& values, std::size_t offset = 0)
      : device_array(values.size(), offset) {
    upload(values);
  }
  device_array(const device_array&) = delete;
  device_array& operator=(const device_array&) = delete;
  ~device_array() { static_cast<void>(cudaFree(memory_)); }

  T* data() const { return reinterpret_cast<T*>(memory_ + lead_); }
  std::size_t size() const { return size_; }

  void poison() { require(cudaMemset(memory_, guard, bytes()), "cudaMemset"); }
  void upload(const std::vector<T>& values) {
    require(cudaMemcpy(data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
            "cudaMemcpy to the device");
  }
  std::vector<T> download() const {
    std::vector<T> values(size_);
    require(cudaMemcpy(values.data(), data(), size_ * sizeof(T), cudaMemcpyDeviceToHost),
            "cudaMemcpy from the device");
    return values;
  }
  /// Bytes beside the array that are not what poison() left.
  long touched() const { return touched(memory_, lead_) + touched(memory_ + bytes() - margin, margin); }

 private:
  static long touched(const unsigned char* from, std::size_t count) {
    std::vector<unsigned char> all(count);
    require(cudaMemcpy(all.data(), from, count, cudaMemcpyDeviceToHost), "cudaMemcpy from the device");
    long n = 0;
    for (const unsigned char byte : all) n += byte != guard;
    return n;
  }
  std::size_t bytes() const { return lead_ + size_ * sizeof(T) + margin; }

  std::size_t size_, lead_;
  unsigned char* memory_ = nullptr;
};

}  // namespace gpu
