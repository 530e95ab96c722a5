// SPDX-License-Identifier: Apache-2.0
// What there is to reach: a copy by the driver, and one by a kernel of 16-byte accesses.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nvq/cuda/launch.cuh>
#include <nvq/cuda/memory.cuh>

#include "measure.hpp"

namespace bench {

namespace {

struct copy_kernel {
  using shared = nvq::cuda::no_shared;
  static constexpr unsigned threads = 256;
  const std::uint8_t* in;
  std::uint8_t* out;
  std::int64_t vectors;  ///< of 16 bytes

  NVQ_HD void operator()(shared&) const {
    using namespace nvq::cuda;
    // Four loads on their way before the first store.
    const std::int64_t stride = std::int64_t{grid_x()} * block_threads();
    std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index();
    for (; i + 3 * stride < vectors; i += 4 * stride) {
      code_words<4> v[4];
      for (int j = 0; j < 4; ++j) v[j] = detail::load_words<4>(in + 16 * (i + j * stride));
      for (int j = 0; j < 4; ++j) detail::store_words<4>(out + 16 * (i + j * stride), v[j]);
    }
    for (; i < vectors; i += stride) detail::store_words<4>(out + 16 * i, detail::load_words<4>(in + 16 * i));
  }
};

struct copies {
  std::vector<std::unique_ptr<buffer>> in, out;
  copies(int n, std::size_t bytes) {
    for (int i = 0; i < n; ++i) {
      in.push_back(std::make_unique<buffer>(bytes, true));
      out.push_back(std::make_unique<buffer>(bytes));
    }
  }
};

/// Bytes a second, those read and those written, of a copy of `bytes` bytes.
double by_kernel(std::size_t bytes) {
  const int n = copies_for(2 * bytes);
  const copies data(n, bytes);
  const auto vectors = static_cast<std::int64_t>(bytes / 16);
  const unsigned blocks = static_cast<unsigned>(std::clamp<std::int64_t>(vectors / 1024, 1, 4096));
  const double seconds = seconds_of(
      [&](int i, cudaStream_t stream) {
        const auto at = static_cast<std::size_t>(i);
        return nvq::cuda::launch(
            copy_kernel{data.in[at]->as<std::uint8_t>(), data.out[at]->as<std::uint8_t>(), vectors},
            {blocks, 1}, 256, stream);
      },
      n);
  return 2.0 * static_cast<double>(bytes) / seconds;
}
double by_driver(std::size_t bytes) {
  const int n = copies_for(2 * bytes);
  const copies data(n, bytes);
  const double seconds = seconds_of(
      [&](int i, cudaStream_t stream) {
        const auto at = static_cast<std::size_t>(i);
        return cudaMemcpyAsync(data.out[at]->as<void>(), data.in[at]->as<void>(), bytes,
                               cudaMemcpyDeviceToDevice, stream);
      },
      n);
  return 2.0 * static_cast<double>(bytes) / seconds;
}

}  // namespace

/// Of a copy that moves `bytes` in all, half of them read and half written.
double copy_of_as_many(std::size_t bytes) {
  const std::size_t half = std::max<std::size_t>(bytes / 2 / 16 * 16, 16);
  return std::max(by_kernel(half), by_driver(half));
}

double measure_largest_copy() {
  std::size_t free = 0, total = 0;
  require(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  const std::size_t bytes = std::min<std::size_t>(std::size_t{1} << 30, free / 8) / 16 * 16;
  const double driver = by_driver(bytes), kernel = by_kernel(bytes);
  std::printf("copy of %.0f MB: by the driver %.0f GB/s, by a kernel %.0f GB/s\n",
              static_cast<double>(bytes) * 1e-6, driver * 1e-9, kernel * 1e-9);
  return std::max(driver, kernel);
}

}  // namespace bench
