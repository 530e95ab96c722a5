// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/bit.hpp>
#include <nvq/config.hpp>
#include <nvq/cuda/execution.cuh>

// Reductions over a warp and over a block: of amax, and of any statistic of <nvq/recipe/base.hpp> or of one's own with
// `void merge(Statistic)`, trivially copyable and of whole 32-bit words.
//
// Statistics are merged in the order of the threads, so the result is that of one thread that adds all values in
// ascending order. Every thread gets it.
//
// An amax is compared by its bits, so it must have no sign; a NaN is larger than every number. Whether NaNs count is
// decided where values are gathered (AbsMax ignores them, AbsMaxNaN does not).

NVQ_BEGIN_NAMESPACE

namespace cuda {

namespace detail {

NVQ_HD constexpr bool is_group(int lanes) noexcept {
  return lanes >= 1 && lanes <= 32 && (lanes & (lanes - 1)) == 0;
}

template <std::size_t Words>
struct reduce_words {
  struct words {
    std::uint32_t word[Words];
  };
  words of_warp[32];
};

struct amax_bits {
  std::uint32_t bits;
  NVQ_HD constexpr void merge(amax_bits other) noexcept {
    if (bits < other.bits) bits = other.bits;
  }
};

}  // namespace detail

/// The shared memory of a block_reduce(): 32 statistics.
template <class Statistic>
using reduce_storage = detail::reduce_words<sizeof(Statistic) / 4>;

/// Merges over aligned groups of `Lanes` lanes, a power of two.
template <int Lanes = 32, class Statistic>
NVQ_HD inline Statistic warp_reduce(Statistic mine, code_site at = code_site::here()) noexcept {
  static_assert(detail::is_group(Lanes), "nvq::cuda: a group of lanes is a power of two up to 32");
  for (unsigned distance = 1; distance < Lanes; distance *= 2) {
    const Statistic theirs = shuffle_xor(mine, distance, at);
    const bool first = (lane() & distance) == 0;
    Statistic merged = first ? mine : theirs;
    merged.merge(first ? theirs : mine);
    mine = merged;
  }
  return mine;
}

/// The largest over aligned groups of `Lanes` lanes.
template <int Lanes = 32>
NVQ_HD inline float warp_amax(float amax, code_site at = code_site::here()) noexcept {
  static_assert(detail::is_group(Lanes), "nvq::cuda: a group of lanes is a power of two up to 32");
  std::uint32_t bits = float_bits(amax);
  for (unsigned distance = 1; distance < Lanes; distance *= 2) {
    const std::uint32_t theirs = shuffle_xor(bits, distance, at);
    if (bits < theirs) bits = theirs;
  }
  return float_from_bits(bits);
}

/// Merges over all threads of the block. One barrier(); before `shared` is used again another is up to the caller.
template <class Statistic>
NVQ_HD inline Statistic block_reduce(Statistic mine, reduce_storage<Statistic>& shared,
                                     code_site at = code_site::here()) noexcept {
  using words = typename reduce_storage<Statistic>::words;
  mine = warp_reduce(mine, at);
  if (lane() == 0) shared.of_warp[thread_index() / 32] = bit_cast<words>(mine);
  barrier(at);
  Statistic merged = bit_cast<Statistic>(shared.of_warp[0]);
  for (unsigned warp = 1; warp < block_threads() / 32; ++warp) {
    merged.merge(bit_cast<Statistic>(shared.of_warp[warp]));
  }
  return merged;
}

/// The largest of all threads of the block, as block_reduce().
NVQ_HD inline float block_amax(float amax, reduce_storage<float>& shared,
                               code_site at = code_site::here()) noexcept {
  return float_from_bits(block_reduce(detail::amax_bits{float_bits(amax)}, shared, at).bits);
}

}  // namespace cuda

NVQ_END_NAMESPACE
