// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "commands.hpp"
#include "ranks/launcher.hpp"

namespace app {

/// What one of several processes did.
struct ShareResult {
  Share share;
  std::filesystem::path out;
  std::int64_t bytes = 0;                      ///< of the source, of its share
  std::size_t batches = 0, found = 0;          ///< of its share, and how many of them were done already
  std::size_t all_batches = 0, all_found = 0;  ///< of the run
  double seconds = 0;
};

/// Does a rank's share of quantize(), into a directory of its own beside the other ranks'; says nothing to the
/// others, and needs none of them. merge() makes one of all.
ShareResult quantize_share(const QuantizeOptions& options, const Share& share);
/// The closing table of `nvq quantize --shard`.
std::string summary(const ShareResult& result);

struct MergeOptions {
  std::filesystem::path out;
  std::filesystem::path model;  ///< where it is now; empty: where the ranks found it
};

/// Makes one checkpoint of what the ranks wrote, the bytes of one process, and gives it its name. `merged` is
/// what they were told to do. A Failure names the ranks that have not done their share.
QuantizeResult merge(const MergeOptions& options, QuantizeOptions& merged);

}  // namespace app
