// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

NVQ_BEGIN_NAMESPACE

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words
/// for a 64-bit counter under a 64-bit key, the same on every machine. There is no state to carry: any
/// element's bits can be had in any order.
struct Philox {
  std::uint32_t word[4];

  NVQ_HD constexpr Philox(std::uint64_t key, std::uint64_t counter, std::uint64_t stream = 0) noexcept
      : word{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
             static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)} {
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * word[0],
                          p1 = std::uint64_t{0xCD9E8D57u} * word[2];
      const std::uint32_t w1 = word[1], w3 = word[3];
      word[0] = static_cast<std::uint32_t>(p1 >> 32) ^ w1 ^ k0;
      word[1] = static_cast<std::uint32_t>(p1);
      word[2] = static_cast<std::uint32_t>(p0 >> 32) ^ w3 ^ k1;
      word[3] = static_cast<std::uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
};

/// The 32 random bits of element `index` of a tensor under `seed`: word index % 4 of Philox(seed, index / 4).
NVQ_HD constexpr std::uint32_t random_bits(std::uint64_t seed, std::uint64_t index) noexcept {
  return Philox(seed, index / 4).word[index % 4];
}

NVQ_END_NAMESPACE
