// SPDX-License-Identifier: Apache-2.0
#include "fit/architecture.hpp"

#include <algorithm>
#include <string_view>

#include "failure.hpp"

namespace app::fit {

namespace {

using nvq::io::json;

std::string text(const json& config, const char* key) {
  return config.contains(key) && config[key].is_string() ? config[key].get<std::string>() : std::string();
}

/// Numbers enter products of up to four: none may be negative, or so large that they overflow.
constexpr std::int64_t largest = std::int64_t{1} << 22, largest_factor = std::int64_t{1} << 16;

class Reader {
 public:
  Reader(const json& config, std::string where) : c_(text_config(config)), where_(std::move(where)) {}

  Architecture read() {
    a_.family = text(c_, "model_type");
    a_.layers = required("num_hidden_layers");
    if (a_.layers > 4096) fail("num_hidden_layers is too large");
    a_.hidden = required("hidden_size");
    a_.heads = required("num_attention_heads");
    a_.vocabulary = number(c_, "vocab_size", 0);
    a_.intermediate = number(c_, "intermediate_size", 0);
    a_.kv_heads = number(c_, "num_key_value_heads", a_.heads);
    a_.head_dim = number(c_, "head_dim", a_.hidden / std::max<std::int64_t>(1, a_.heads));
    a_.max_context = number(c_, "max_position_embeddings", 0);
    a_.experts = number(c_, {"num_local_experts", "n_routed_experts", "num_experts"}, 0);
    a_.active_experts = number(c_, {"num_experts_per_tok", "top_k_experts", "num_experts_per_token"}, 0);
    if (a_.experts <= 1) a_.experts = a_.active_experts = 0;
    if (a_.experts != 0 && (a_.active_experts < 1 || a_.active_experts > a_.experts))
      fail("it has experts, but does not say how many a token uses");
    for (const std::int64_t n : {a_.hidden, a_.heads, a_.vocabulary, a_.intermediate, a_.experts})
      if (n < 0 || n > largest) fail("a size in it is not plausible");
    for (const std::int64_t n : {a_.kv_heads, a_.head_dim})
      if (n < 0 || n > largest_factor) fail("a size in it is not plausible");
    a_.latent = number(c_, "kv_lora_rank", 0) > 0;
    if (c_.contains("compress_ratios") || c_.contains("linear_attn_config"))
      fail("its layers cache something this version cannot compute");
    for (std::int64_t i = 0; i < a_.layers; ++i) a_.caches.push_back(layer(i));
    // The last layers of some models attend to the cache of an earlier one.
    const std::int64_t shared = std::clamp<std::int64_t>(number(c_, "num_kv_shared_layers", 0), 0, a_.layers);
    for (std::int64_t i = a_.layers - shared; i < a_.layers; ++i)
      a_.caches[static_cast<std::size_t>(i)].values = 0;
    return a_;
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw Failure(where_ + ": " + why); }

  std::int64_t required(const char* key) const {
    const std::int64_t n = number(c_, key, -1);
    if (n <= 0) fail(std::string("it has no ") + key);
    return n;
  }

  /// A factor of a size.
  std::int64_t dim(std::initializer_list<const char*> keys, std::int64_t otherwise) const {
    const std::int64_t n = number(c_, keys, otherwise);
    if (n < 0 || n > largest_factor) fail(std::string(*keys.begin()) + " is not plausible");
    return n;
  }
  std::int64_t required_dim(const char* key) const {
    const std::int64_t n = dim({key}, 0);
    if (n == 0) fail(std::string("it has no ") + key);
    return n;
  }

  LayerCache full() const {
    if (a_.latent) {
      // V3.2's indexer keeps one more key per token.
      return {dim({"kv_lora_rank"}, 0) + dim({"qk_rope_head_dim"}, 0) + dim({"index_head_dim"}, 0), 0, 0};
    }
    // Gemma 4 gives its global layers heads of their own.
    const std::int64_t heads = dim({"num_global_key_value_heads"}, a_.kv_heads),
                       size = dim({"global_head_dim"}, a_.head_dim);
    return {2 * heads * size, 0, 0};
  }
  LayerCache sliding(std::int64_t window) const {
    if (window <= 0) fail("it has sliding layers, but no window");
    if (a_.latent) return full();
    return {2 * a_.kv_heads * a_.head_dim, window, 0};
  }

  /// A matrix in float32, and all but the newest of the inputs of a convolution in 16 bits.
  LayerCache recurrent(std::int64_t matrix, std::int64_t channels, std::int64_t kernel) const {
    // All layers together have to stay below 2^63.
    constexpr std::int64_t plausible = std::int64_t{1} << 48;
    const std::int64_t bytes = matrix * 4 + channels * (kernel - 1) * 2;
    if (kernel < 1 || bytes > plausible) fail("the state of its recurrent layers is not plausible");
    return {0, 0, bytes};
  }
  LayerCache gated_delta() const {
    const std::int64_t k_heads = required_dim("linear_num_key_heads"),
                       v_heads = required_dim("linear_num_value_heads"),
                       k = required_dim("linear_key_head_dim"), v = required_dim("linear_value_head_dim"),
                       kernel = dim({"linear_conv_kernel_dim"}, 4);
    return recurrent(v_heads * k * v, 2 * k_heads * k + v_heads * v, kernel);
  }
  LayerCache mamba() const {
    const std::int64_t state = dim({"ssm_state_size", "mamba_d_state"}, 0),
                       kernel = dim({"conv_kernel", "mamba_d_conv"}, 4),
                       heads = dim({"mamba_num_heads", "mamba_n_heads"}, 0);
    if (state <= 0) fail("it has Mamba layers, but no size of their state");
    if (heads == 0) {
      const std::int64_t inner = dim({"mamba_expand"}, 2) * a_.hidden;
      return recurrent(inner * state, inner, kernel);
    }
    const std::int64_t inner = heads * dim({"mamba_head_dim", "mamba_d_head"}, 0),
                       groups = dim({"n_groups", "mamba_n_groups"}, 1);
    if (inner <= 0) fail("it has Mamba layers, but no size of their heads");
    return recurrent(inner * state, inner + 2 * groups * state, kernel);
  }

  LayerCache named(const std::string& kind) const {
    if (kind == "full_attention" || kind == "attention" || kind == "global") return full();
    if (kind == "sliding_attention") return sliding(number(c_, "sliding_window", 0));
    if (kind == "chunked_attention") return sliding(number(c_, "attention_chunk_size", 0));
    if (kind == "linear_attention") return gated_delta();
    if (kind == "mamba" || kind == "mamba2") return mamba();
    if (kind == "mlp" || kind == "moe") return {};
    fail("its layers of type '" + kind + "' are not known here");
  }

  LayerCache layer(std::int64_t i) const {
    for (const char* key : {"layer_types", "layers_block_type"}) {
      if (!c_.contains(key) || !c_[key].is_array()) continue;
      if (c_[key].size() < static_cast<std::size_t>(a_.layers))
        fail(std::string(key) + " has fewer entries than there are layers");
      const json& kind = c_[key][static_cast<std::size_t>(i)];
      return named(kind.is_string() ? kind.get<std::string>() : kind.dump());
    }
    if (const std::string pattern = text(c_, "hybrid_override_pattern"); !pattern.empty()) {
      if (pattern.size() < static_cast<std::size_t>(a_.layers))
        fail("hybrid_override_pattern has fewer entries than there are layers");
      switch (pattern[static_cast<std::size_t>(i)]) {
        case '*':
          return full();
        case 'M':
          return mamba();
        case '-':
        case 'E':
          return {};
        default:
          fail("hybrid_override_pattern has a letter unknown here");
      }
    }
    if (const std::int64_t period = number(c_, "attn_layer_period", 0); period > 0)
      return i % period == number(c_, "attn_layer_offset", 0) ? full() : mamba();
    if (c_.contains("linear_num_value_heads"))
      return (i + 1) % std::max<std::int64_t>(1, number(c_, "full_attention_interval", 4)) == 0
                 ? full()
                 : gated_delta();
    if (c_.contains("mamba_d_state") || c_.contains("ssm_state_size"))
      fail("it has Mamba layers, but does not say which they are");
    return by_window(i);
  }

  /// Families that say only how wide the window is, and leave to the code which layers have it.
  LayerCache by_window(std::int64_t i) const {
    if (a_.family == "llama4_text" || a_.family == "llama4")
      return (i + 1) % 4 == 0 ? full() : sliding(number(c_, "attention_chunk_size", 8192));
    const std::int64_t window = number(c_, "sliding_window", 0);
    if (window <= 0 || !flag(c_, "use_sliding_window", true)) return full();
    static constexpr struct {
      std::string_view family;
      std::int64_t pattern;
    } families[] = {{"gemma2", 2}, {"gemma3_text", 6}, {"gemma3", 6}, {"cohere2", 4}, {"gpt_oss", 2}};
    std::int64_t pattern = number(c_, {"sliding_window_pattern", "_sliding_window_pattern"}, 0);
    for (const auto& f : families)
      if (pattern == 0 && f.family == a_.family) pattern = f.pattern;
    if (pattern > 0) return (i + 1) % pattern == 0 ? full() : sliding(window);
    if (c_.contains("max_window_layers"))
      return i < number(c_, "max_window_layers", 0) ? full() : sliding(window);
    return sliding(window);
  }

  const json& c_;
  std::string where_;
  Architecture a_;
};

}  // namespace

const json& text_config(const json& config) {
  for (const char* key : {"text_config", "language_config", "llm_config"})
    if (config.contains(key) && config[key].is_object() && config[key].contains("num_hidden_layers"))
      return config[key];
  return config;
}

std::int64_t number(const json& config, const char* key, std::int64_t otherwise) {
  const auto at = config.find(key);
  return at != config.end() && at->is_number_integer() ? at->get<std::int64_t>() : otherwise;
}

std::int64_t number(const json& config, std::initializer_list<const char*> keys, std::int64_t otherwise) {
  for (const char* key : keys)
    if (const std::int64_t n = number(config, key, -1); n >= 0) return n;
  return otherwise;
}

bool flag(const json& config, const char* key, bool otherwise) {
  const auto at = config.find(key);
  return at != config.end() && at->is_boolean() ? at->get<bool>() : otherwise;
}

Architecture read_architecture(const json& config, const std::string& where) {
  return Reader(config, where).read();
}

double Architecture::cache_bytes(std::int64_t context, double value_bytes) const {
  double sum = 0;
  for (const LayerCache& l : caches)
    sum += static_cast<double>(l.values) * static_cast<double>(cached_tokens(l, context)) * value_bytes +
           static_cast<double>(l.state_bytes);
  return sum;
}

double Architecture::bytes_per_token(double value_bytes) const {
  double sum = 0;
  for (const LayerCache& l : caches) sum += static_cast<double>(l.values) * value_bytes;
  return sum;
}

std::int64_t Architecture::state_bytes() const {
  std::int64_t sum = 0;
  for (const LayerCache& l : caches) sum += l.state_bytes;
  return sum;
}

}  // namespace app::fit
