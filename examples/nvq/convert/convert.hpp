// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

struct ConvertOptions {
  std::filesystem::path model, out;
  std::string to;           ///< a dialect's name
  std::string activations;  ///< "none" or "dynamic"; empty: what they are now
  std::int64_t max_rss = std::int64_t{1} << 30;
  int threads = 0;  ///< 0: all cores
  bool dry_run = false;
  bool quiet = false;
};

/// What a run did, or would have done.
struct ConvertResult {
  std::string from, to;
  std::vector<std::string> formats;
  std::int64_t converted = 0, copied = 0;  ///< quantized weights, and tensors besides
  std::int64_t inverted = 0;               ///< tensor scales whose direction changed
  std::int64_t inexact = 0;                ///< of these: engines' reading of them changes by an ulp
  std::int64_t bytes_before = 0, bytes_after = 0;
  std::vector<std::string> notes;
  double seconds = 0;
  std::int64_t peak_rss = 0;
};

/// Writes a quantized checkpoint in the words of another dialect, without quantizing anything again. A Failure
/// names the first module that has no such words, before anything is written.
ConvertResult convert(const ConvertOptions& options);

/// The closing table of `nvq convert`.
std::string summary(const ConvertResult& result);

}  // namespace app
