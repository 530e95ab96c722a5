// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "fit/architecture.hpp"
#include "fit/machine.hpp"
#include "fit/weights.hpp"

/// `nvq plan`: whether models fit into a machine, and how fast its memory lets them generate at most. From
/// headers and config.json alone.
namespace app::fit {

struct Options {
  std::vector<std::filesystem::path> models;
  std::string to = "source";  ///< a format of `nvq quantize`, or "source": as it is
  std::string dialect = "compressed-tensors";
  std::vector<std::string> keep;
  std::int64_t context = 8192, batch = 1;
  std::string kv = "bf16";
  std::string machine = "spark";
  int devices = 1;
  double reserve_gb = -1;    ///< for activations and graphs; below 0: estimated
  double at_least = 0;       ///< tokens/s of one sequence that somebody claims or needs; 0: none
  double usd_per_hour = 0;   ///< 0: no prices
  double disk_gb_per_s = 5;  ///< to read and write at while quantizing
};

/// One model on the machine. Bytes, seconds and tokens per second of the whole batch.
struct Speed {
  std::int64_t batch = 0;
  double bytes = 0;         ///< read per step, weights and caches
  double ceiling = 0;       ///< at the specified bandwidth, or where arithmetic is slower, at that
  double measured = 0;      ///< at the measured one; 0 when not known
  bool arithmetic = false;  ///< arithmetic is the slower
};

struct ModelFit {
  std::string path;
  bool from_config = false;  ///< there are no headers: shapes follow from config.json
  Architecture architecture;
  Weights weights;
  double source_bytes = 0;  ///< of the model as it is
  double active_parameters = 0;
  double cache_per_sequence = 0, cache_per_token = 0, state = 0;
  double working = 0;                            ///< activations, logits, graphs
  double short_ceiling = 0, short_measured = 0;  ///< one sequence, nothing cached yet: only weights are read
  std::vector<Speed> speeds;   ///< with the whole context cached; the batch asked for is among them
  double prefill_seconds = 0;  ///< of one context, by arithmetic alone; 0 when not known
};

struct Result {
  Machine machine;
  std::vector<ModelFit> models;
  double usable = 0, reserve = 0, need = 0;
  bool fits = false;
  /// Of the first model, with the others resident; below 0 when not even that fits. Context: of the batch.
  std::int64_t largest_batch = 0, longest_context = 0;
  bool fast_enough = true;  ///< the ceiling reaches at_least
};

/// Bytes of one value of K or V.
double kv_bytes(const std::string& kind);

Result fit(const Options& options);
std::string text(const Options& options, const Result& result);
nvq::io::json to_json(const Options& options, const Result& result);

/// The ceiling for a batch of one model whose sequences have `context` tokens cached each.
Speed speed(const Architecture& a, const Weights& w, const Machine& m, int devices, std::int64_t batch,
            std::int64_t context, double value_bytes);

}  // namespace app::fit
