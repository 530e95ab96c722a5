// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nvq/cuda/execution.cuh>
#include <string>
#include <type_traits>
#include <vector>

// Runs a kernel's own source on the CPU, where there is no GPU: every thread of a block is a fiber that runs until it
// has to wait for others, and one schedule says which goes on. Between two places where it waits a thread is
// undisturbed, so what shows is whether the barriers suffice for the schedules that were run.
//
//     const report r = executor::run(kernel, grid, 256, {executor::order::reverse});
//
// Not simulated: blocks that wait for each other (they run one after the other), and memory that others see late. A
// shuffle holds the lanes of a warp together here, in memory, too, which it does not on a GPU.

namespace executor {

using nvq::cuda::code_site;
using nvq::cuda::grid_shape;

/// In which order threads that could run do so, and the blocks of the grid.
///   forward   the lowest thread first: it runs ahead as far as barriers let it
///   reverse   the highest first
///   random    warps in random order, and the lanes of each; drawn again at every barrier
enum class order { forward, reverse, random };

struct schedule {
  order threads_in = order::forward;
  std::uint64_t seed = 0;
  const code_site* without = nullptr;  // the barrier() or warp_barrier() at this place does nothing
};

/// What happened in a run.
struct report {
  std::string error;  // empty, or the block whose threads wait in vain and where each of them is
  std::vector<code_site> barriers;  // every barrier() and warp_barrier() that a thread came to
};

bool same(code_site a, code_site b);
/// "reduce.cuh:40"
std::string to_string(code_site at);

struct launch {
  grid_shape grid;
  unsigned threads;
  std::size_t shared_bytes, shared_alignment;
};

/// Calls body(shared memory) as every thread of the grid. Each block finds its shared memory filled with 0xFF: NaNs as
/// floats, large as indices.
report run(const launch& launch, const schedule& schedule, const std::function<void(void*)>& body);

/// Runs a kernel object as nvq::cuda::launch() does.
template <class K>
report run(const K& kernel, grid_shape grid, unsigned threads, const schedule& schedule = {}) {
  using shared = typename K::shared;
  static_assert(
      std::is_trivially_copyable<K>::value && std::is_trivially_default_constructible<shared>::value,
      "what nvq::cuda::launch() asks for");
  return run(launch{grid, threads, sizeof(shared), alignof(shared)}, schedule,
             [&](void* memory) { kernel(*static_cast<shared*>(memory)); });
}

/// Runs a function that uses no shared memory as every thread.
inline report run_threads(grid_shape grid, unsigned threads, const schedule& schedule,
                          const std::function<void()>& body) {
  return run(launch{grid, threads, 0, 1}, schedule, [&](void*) { body(); });
}

}  // namespace executor
