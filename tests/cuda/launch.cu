// SPDX-License-Identifier: Apache-2.0
// Kernel objects over execution.cuh and reduce.cuh, and what launch() says of its arguments.
#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/cuda/launch.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/recipe/base.hpp>

using namespace nvq::cuda;

template <class Statistic>
struct gather_rows {
  struct shared {
    reduce_storage<Statistic> statistics;
    reduce_storage<float> amax;
  };
  static constexpr unsigned threads = 256;
  const float* in;
  Statistic* rows;
  std::uint32_t* amax_bits;
  int* positive;

  NVQ_HD void operator()(shared& s) const {
    grid_dependency_wait();
    const std::int64_t row = std::int64_t{block_index_y()} * grid_x() + block_index_x();
    const float x = in[row * block_threads() + thread_index()];
    Statistic mine;
    mine.add(x);
    mine = block_reduce(mine, s.statistics);
    const float amax = block_amax(nvq::abs(x), s.amax);
    launch_dependents();
    const int in_warp = warp_any(x > 0.0f) && !warp_all(x > 0.0f) && warp_ballot(x > 0.0f) != 1u ? 1 : 0;
    if (lane() == 0) atomic_add(positive, shuffle(in_warp, 0));
    warp_barrier();
    if (thread_index() == 0) {
      rows[row] = mine;
      atomic_max(amax_bits, nvq::float_bits(warp_amax<1>(shuffle_down(amax, 0))));
    }
  }
};

struct nothing {
  using shared = no_shared;
  NVQ_HD void operator()(shared&) const {}
};

cudaError_t launch_rows(cudaStream_t stream) {
  const cudaError_t error = launch(gather_rows<nvq::SignedMax>{}, {4, 2}, 256, stream, true);
  return error != cudaSuccess ? error : launch(gather_rows<nvq::Range>{}, {4, 2}, 256, stream);
}

// What is refused, or is nothing to do, is so without a GPU, too.
int main() {
  const bool refused = launch(nothing{}, {1, 1}, 0, nullptr) == cudaErrorInvalidValue &&
                       launch(nothing{}, {1, 1}, 33, nullptr) == cudaErrorInvalidValue &&
                       launch(nothing{}, {1, 1}, 1056, nullptr) == cudaErrorInvalidValue &&
                       launch(gather_rows<nvq::Range>{}, {1, 1}, 288, nullptr) == cudaErrorInvalidValue;
  const bool nothing_to_do = launch(nothing{}, {0, 1}, 32, nullptr) == cudaSuccess &&
                             launch(nothing{}, {1, 0}, 1024, nullptr) == cudaSuccess;
  return refused && nothing_to_do ? 0 : 1;
}
