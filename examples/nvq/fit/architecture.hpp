// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/json.hpp>
#include <string>
#include <vector>

namespace app::fit {

/// What one layer keeps of a sequence while it is generated.
struct LayerCache {
  std::int64_t values = 0;  ///< kept per token: K and V of all heads, or the latent vector of MLA
  std::int64_t window = 0;  ///< tokens it looks back at most; 0: all of them
  /// Of a recurrent layer, per sequence and whatever its length. The recurrence is counted in float32 and the
  /// convolution's last inputs in 16 bits, as engines keep them.
  std::int64_t state_bytes = 0;
};

/// What the configuration says of a model, as far as memory and speed depend on it.
struct Architecture {
  std::string family;  ///< model_type
  std::int64_t layers = 0, hidden = 0, vocabulary = 0, intermediate = 0;
  std::int64_t heads = 0, kv_heads = 0, head_dim = 0;
  std::int64_t experts = 0, active_experts = 0;  ///< routed ones of a layer; 0 when dense
  bool latent = false;                           ///< multi-head latent attention
  std::vector<LayerCache> caches;                ///< one per layer
  std::int64_t max_context = 0;                  ///< max_position_embeddings; 0 when not said

  /// Tokens a layer still holds of `context`.
  std::int64_t cached_tokens(const LayerCache& layer, std::int64_t context) const {
    return layer.window != 0 && layer.window < context ? layer.window : context;
  }
  /// Bytes one sequence of `context` tokens keeps, at `value_bytes` per value of K and V.
  double cache_bytes(std::int64_t context, double value_bytes) const;
  /// Bytes one more token adds while no window is full yet.
  double bytes_per_token(double value_bytes) const;
  std::int64_t state_bytes() const;
};

/// The part of a configuration that describes the language model: multimodal ones keep it in text_config.
const nvq::io::json& text_config(const nvq::io::json& config);

/// A number of the configuration, or `otherwise` when there is none or null.
std::int64_t number(const nvq::io::json& config, const char* key, std::int64_t otherwise);
std::int64_t number(const nvq::io::json& config, std::initializer_list<const char*> keys,
                    std::int64_t otherwise);
bool flag(const nvq::io::json& config, const char* key, bool otherwise);

/// A Failure when a number is missing, or the layers are of a kind unknown here: a guess could be wrong by
/// orders of magnitude. `where` names the file.
Architecture read_architecture(const nvq::io::json& config, const std::string& where);

}  // namespace app::fit
