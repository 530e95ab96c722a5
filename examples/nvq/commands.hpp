// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace app {

struct QuantizeOptions {
  std::filesystem::path model, out;
  std::string format = "nvfp4";
  std::string recipe;  ///< empty: the format's default
  std::string dialect = "compressed-tensors";
  std::string activations;        ///< "none", "dynamic", or empty for the format's usual
  std::vector<std::string> keep;  ///< globs on module names
  int threads = 0;                ///< 0: all cores
  bool quiet = false;
  std::int64_t batch_bytes = std::int64_t{256} << 20;  ///< of the source, encoded before the disk gets them
};

/// What a run did.
struct QuantizeResult {
  std::string recipe;
  std::int64_t quantized = 0, kept = 0;
  std::int64_t bytes_before = 0, bytes_after = 0;
  double weight_bits = 0;  ///< bits per quantized weight, scales included
  double mean_db = 0, worst_db = 0;
  std::string worst;
  double seconds = 0;
  std::vector<std::string> notes;
};

QuantizeResult quantize(const QuantizeOptions& options);
/// The closing table of `nvq quantize`.
std::string summary(const QuantizeOptions& options, const QuantizeResult& result);

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
