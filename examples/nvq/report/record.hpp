// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nvq/io/json.hpp>
#include <string>
#include <utility>
#include <vector>

/// Reports on how well weights survived quantization, as JSON and as a page with plots that needs nothing but
/// itself. What is reported on is plain data, wherever it comes from.
namespace app::report {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// One weight. Sums are over its values: x the original, y what became of it. What was not measured stays
/// unknown, or -1 where it is a count, and is left out of the report.
struct TensorRecord {
  std::string name;         ///< "model.layers.3.mlp.up_proj.weight"
  std::string kind;         ///< "attention", "mlp", "experts", ...: tensor_class()
  std::string format;       ///< what it is stored as, "nvfp4"
  std::int64_t layer = -1;  ///< -1 outside the layers
  std::string group;        ///< weights to be kept together or not at all: closure_key()
  std::int64_t values = 0;
  std::int64_t bytes = 0;       ///< as it is stored
  std::int64_t wide_bytes = 0;  ///< if it were kept as it was
  double signal = 0;            ///< sum of x^2
  double noise = 0;             ///< sum of (x - y)^2
  double decoded = unknown;     ///< sum of y^2
  double product = unknown;     ///< sum of x * y
  double max_error = unknown;   ///< largest |x - y|
  double amax = unknown;        ///< largest |x|
  std::int64_t clipped = -1;    ///< values beyond what their scale lets codes reach
  std::int64_t flushed = -1;    ///< values other than 0 that became 0
  std::int64_t not_finite = 0;  ///< pairs with a NaN or an infinity: they are not in the sums

  double nmse() const { return noise == 0 ? 0 : noise / signal; }  ///< noise over signal
  double sqnr_db() const;                                          ///< +infinity where there is no noise
  double cosine() const;
};

/// How often each scale was used: bars from left to right, each under the value it stands for.
struct ScaleHistogram {
  std::string title;  ///< "E4M3 scales of nvfp4"
  std::string axis;   ///< what the labels mean
  std::vector<std::pair<std::string, std::int64_t>> bars;
};

struct Report {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< what was compared, and how: rows at the top
  std::vector<TensorRecord> tensors;
  std::vector<ScaleHistogram> scales;
  std::vector<std::string> notes;
};

/// A group of weights that could be kept at its original precision, and what that would do.
struct KeepChoice {
  std::string group;                 ///< "model.layers.0.mlp.{gate_proj, up_proj}"
  std::vector<std::string> modules;  ///< all of them
  std::int64_t extra_bytes = 0;
  double share = 0;  ///< of the sum of relative noise of all weights, that goes away
};

/// All groups with noise, those first that take most relative noise away per byte. The relative noise of a
/// group is the sum over its kinds of weight (q_proj, experts' up_proj, ...) of their mean noise over signal:
/// every layer's output carries its weights' relative noise, however large they are.
std::vector<KeepChoice> keep_choices(const std::vector<TensorRecord>& tensors);

/// The last part of a module's name, without numbers: what a column of the report holds.
std::string leaf_of(const std::string& name);

/// Sums of several weights as if they were one; the maxima are those of all.
TensorRecord merged(const std::vector<const TensorRecord*>& tensors);

/// The same bytes for the same report.
nvq::io::json report_json(const Report& report);
std::string report_html(const Report& report);

/// Writes a file, or a Failure.
void write_json(const Report& report, const std::filesystem::path& path);
void write_html(const Report& report, const std::filesystem::path& path);

}  // namespace app::report
