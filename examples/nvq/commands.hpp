// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

struct QuantizeOptions {
  std::filesystem::path model, out;
  std::string format;             ///< empty: the dialect's usual
  std::string recipe;             ///< empty: the format's default
  std::string dialect;            ///< empty: the format's usual
  std::string activations;        ///< "none", "dynamic", "calibrated", or empty for the format's usual
  std::string activation_amax;    ///< a number, or a file of one per module
  std::string kv_amax;            ///< the same of keys and values: an FP8 KV cache
  std::string preset;             ///< of rules
  std::filesystem::path rules;    ///< a file of rules
  std::string family;             ///< model_type to take instead of the configuration's
  std::vector<std::string> keep;  ///< globs on module names
  std::int64_t batch_bytes = std::int64_t{256} << 20;  ///< of the source that are worked on at once
  std::int64_t max_rss = std::int64_t{1} << 30;        ///< bytes of memory
  int threads = 0;                                     ///< 0: all cores
  bool quiet = false;
};

/// What a run did.
struct QuantizeResult {
  std::string dialect;
  std::vector<std::string> formats;  ///< "nvfp4, recipe amax", in the order of their use
  std::int64_t quantized = 0, kept = 0;
  std::int64_t bytes_before = 0, bytes_after = 0;
  double weight_bits = 0;  ///< bits per quantized weight, scales included
  double mean_db = 0, worst_db = 0;
  std::string worst;
  double seconds = 0;
  std::int64_t peak_rss = 0;  ///< bytes
  std::vector<std::string> notes;
  std::size_t parts = 0;  ///< of other processes, that this one put together
};

QuantizeResult quantize(const QuantizeOptions& options);
/// The closing table of `nvq quantize`.
std::string summary(const QuantizeResult& result);

/// A Failure when a report could not be written, for before the hours of work that it is about: a page where the
/// name ends in .html, JSON where it ends in .json.
void check_reports(const std::vector<std::filesystem::path>& files);
/// Compares what quantize() wrote with its source and writes the reports.
void report_quantized(const QuantizeOptions& options, const std::vector<std::filesystem::path>& files);

struct DequantizeOptions {
  std::filesystem::path model, out;
  std::string dtype = "bf16";  ///< or f16, f32
  int threads = 0;
  bool quiet = false;
};
void dequantize(const DequantizeOptions& options);

/// What is in a checkpoint, as text.
std::string inspect(const std::filesystem::path& directory);

/// The table of nvq::AllFormats.
std::string formats_table(bool markdown);

struct DemoOptions {
  std::filesystem::path model, out_root;
  std::vector<std::string> formats = {"nvfp4", "nvfp4:mse", "mxfp4", "fp8",
                                      "int4"};  ///< FORMAT or FORMAT:RECIPE
  int threads = 0;
  bool quiet = false;
};
/// Quantizes a model into several formats, each into its own directory under out_root, and compares them.
std::string demo(const DemoOptions& options);

}  // namespace app
