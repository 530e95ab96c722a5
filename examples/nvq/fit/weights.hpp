// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "fit/architecture.hpp"

namespace app::fit {

/// When the bytes of a tensor are read while text is generated.
enum class Traffic : std::uint8_t {
  every_step,  ///< once per step, whatever the batch
  experts,     ///< of the experts that the step's tokens chose
  none,        ///< one row per token at most, or not at all: embeddings, vision, multi-token prediction
};

/// The weights of one class of tensors and one kind of traffic, in bytes.
struct ClassBytes {
  std::string name;
  Traffic traffic = Traffic::every_step;
  std::int64_t parameters = 0;
  std::int64_t codes = 0, scales = 0;  ///< of quantized weights; scales with tensor scales and zero points
  std::int64_t kept = 0;               ///< in the type the source has
  std::int64_t total() const { return codes + scales + kept; }
};

struct Weights {
  std::vector<ClassBytes> classes;
  std::int64_t files = 0;  ///< headers and index: on the disk only
  bool tied = false;       ///< the embedding is read as output head, too
  std::vector<std::string> notes;
  ClassBytes sum() const;
  /// Parameters that one token is multiplied with.
  double active_parameters(const Architecture& a) const;
  /// Bytes that one step reads for `batch` sequences. Of the experts those chosen at least once, if every
  /// token chooses evenly and on its own: experts * (1 - (1 - active / experts)^batch) of them.
  double bytes_per_step(const Architecture& a, std::int64_t batch) const;
};

/// The bytes `nvq quantize --format to` would write, by its own plan, or those that are there when `to` is
/// "source".
Weights weigh(const Checkpoint& model, const Architecture& architecture, const std::string& to,
              const std::string& dialect, const std::vector<std::string>& keep);

/// Opens a model, or makes one up from config.json where there are no safetensors. `note` is set where that
/// is not what the files would hold.
Checkpoint open_model(const std::filesystem::path& directory, bool& from_config, std::string& note);

}  // namespace app::fit
