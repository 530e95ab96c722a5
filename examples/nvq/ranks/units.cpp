// SPDX-License-Identifier: Apache-2.0
#include "units.hpp"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "shard_writer.hpp"

namespace app {

namespace {

constexpr std::size_t most_batches = 8;

/// For every batch of a shard the last one that it shares a group with.
std::vector<std::size_t> last_partners(const std::vector<Batch>& all) {
  std::unordered_map<int, std::size_t> last_of;
  for (std::size_t b = 0; b < all.size(); ++b)
    for (const Work& w : all[b])
      if (w.group >= 0) last_of[w.group] = b;
  std::vector<std::size_t> last(all.size());
  for (std::size_t b = 0; b < all.size(); ++b) {
    last[b] = b;
    for (const Work& w : all[b])
      if (w.group >= 0) last[b] = std::max(last[b], last_of[w.group]);
  }
  return last;
}

/// Where a share ends: the start of the unit that is nearest to `target` bytes, or of a shard's first one if
/// such a one is within `tolerance`.
std::size_t end_near(const std::vector<Unit>& small, std::int64_t target, std::int64_t tolerance) {
  std::size_t best = 0, best_shard = 0;
  std::int64_t at = 0, distance = target, shard_distance = target;
  for (std::size_t i = 0; i <= small.size(); ++i) {
    const std::int64_t d = std::abs(at - target);
    if (d < distance) distance = d, best = i;
    if ((i == small.size() || small[i].first == 0) && d < shard_distance) shard_distance = d, best_shard = i;
    if (i < small.size()) at += small[i].bytes;
  }
  return shard_distance <= tolerance ? best_shard : best;
}

}  // namespace

std::vector<Unit> small_units(const Plan& plan, std::int64_t batch_bytes) {
  std::vector<Unit> units;
  for (std::size_t s = 0; s < plan.shards.size(); ++s) {
    const std::vector<Batch> all = batches(plan.shards[s].work, batch_bytes);
    const std::vector<std::size_t> last = last_partners(all);
    std::size_t end = 0;
    for (std::size_t b = 0; b < all.size(); ++b) {
      if (b >= end || units.back().count == most_batches) {
        units.push_back({s, b, 0, 0});
        end = b;
      }
      ++units.back().count;
      units.back().bytes += bytes_of(all[b]);
      end = std::max(end, last[b] + 1);
    }
  }
  return units;
}

std::vector<Unit> units_of(const std::vector<Unit>& small, int rank, int size) {
  std::int64_t total = 0;
  for (const Unit& u : small) total += u.bytes;
  const auto end = [&](int r) {
    if (r == size) return small.size();
    const auto target = static_cast<std::int64_t>(static_cast<double>(total) * r / size);
    return end_near(small, target, total / size / 10);
  };
  const auto begin = small.begin();
  return {begin + static_cast<std::ptrdiff_t>(end(rank)), begin + static_cast<std::ptrdiff_t>(end(rank + 1))};
}

std::vector<Unit> units_to_hand_out(const std::vector<Unit>& small, int size) {
  std::int64_t left = 0;
  for (const Unit& u : small) left += u.bytes;
  std::vector<Unit> units;
  for (std::size_t i = 0; i < small.size();) {
    Unit shard = small[i];
    std::size_t end = i + 1;
    for (; end < small.size() && small[end].shard == shard.shard; ++end) {
      shard.count = small[end].first + small[end].count - shard.first;
      shard.bytes += small[end].bytes;
    }
    if (shard.bytes <= left / (2 * size))
      units.push_back(shard);
    else
      units.insert(units.end(), small.begin() + static_cast<std::ptrdiff_t>(i),
                   small.begin() + static_cast<std::ptrdiff_t>(end));
    left -= shard.bytes;
    i = end;
  }
  return units;
}

}  // namespace app
