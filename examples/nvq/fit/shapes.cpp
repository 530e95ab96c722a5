// SPDX-License-Identifier: Apache-2.0
#include "fit/shapes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "failure.hpp"

namespace app::fit {

namespace {

using nvq::io::dtype;
using nvq::io::json;
using Shape = std::vector<std::int64_t>;

/// What distinguishes families that share the rest of their layers.
struct Family {
  std::string_view name;
  enum class Experts { none, mixtral, qwen, deepseek, jamba, gpt_oss } experts = Experts::none;
  bool qkv_bias = false;
  bool qk_norm = false;  ///< norms over a head of q and of k
  int norms = 2;         ///< norms per layer
  bool fused = false;    ///< qkv_proj and gate_up_proj
  bool tied = false;     ///< tie_word_embeddings when the configuration does not say
  const char* prefix = "model.";
};
using E = Family::Experts;

constexpr Family families[] = {
    {"llama"},
    {"mistral"},
    {"ministral"},
    {"granite"},
    {"smollm3"},
    {"seed_oss"},
    {"qwen2", E::none, true},
    {"qwen3", E::none, false, true},
    {"phi3", E::none, false, false, 2, true},
    {"gemma", E::none, false, false, 2, false, true},
    {"gemma2", E::none, false, false, 4, false, true},
    {"gemma3_text", E::none, false, true, 4, false, true},
    {"gemma3", E::none, false, true, 4, false, true, "language_model.model."},
    {"cohere", E::none, false, false, 1, false, true},
    {"cohere2", E::none, false, false, 1, false, true},
    {"mixtral", E::mixtral},
    {"qwen2_moe", E::qwen, true},
    {"qwen3_moe", E::qwen, false, true},
    {"qwen3_next", E::qwen, false, true},
    {"deepseek_v2", E::deepseek},
    {"deepseek_v3", E::deepseek},
    {"kimi_k2", E::deepseek},
    {"jamba", E::jamba},
    {"gpt_oss", E::gpt_oss, true},
};

class Builder {
 public:
  Builder(const json& config, const Architecture& a, const Family& family, std::string where)
      : c_(text_config(config)), a_(a), f_(family), where_(std::move(where)) {
    std::string type = "bfloat16";
    for (const json* c : {&config, &c_})
      for (const char* key : {"torch_dtype", "dtype"})
        if (c->contains(key) && (*c)[key].is_string()) type = (*c)[key].get<std::string>();
    wide_ = type == "float16" ? dtype::f16 : type == "float32" ? dtype::f32 : dtype::bf16;
    mxfp4_ = config.contains("quantization_config") && config["quantization_config"].is_object() &&
             config["quantization_config"].value("quant_method", json()) == "mxfp4";
    tied_ = flag(c_, "tie_word_embeddings", flag(config, "tie_word_embeddings", f_.tied));
  }

  std::vector<Tensor> build() {
    const std::string model = f_.prefix;
    add(model + "embed_tokens.weight", {a_.vocabulary, a_.hidden});
    for (std::int64_t i = 0; i < a_.layers; ++i) layer(i, model + fmt::format("layers.{}.", i));
    add(model + (f_.experts == E::jamba ? "final_layernorm.weight" : "norm.weight"), {a_.hidden});
    if (!tied_) add("lm_head.weight", {a_.vocabulary, a_.hidden});
    return std::move(tensors_);
  }

 private:
  /// A size the family cannot do without.
  std::int64_t need(const char* key) const {
    const std::int64_t n = size(key, 0);
    if (n == 0) throw Failure(where_ + ": it has no " + key);
    return n;
  }
  /// Sizes are multiplied with each other, and must not overflow.
  std::int64_t size(const char* key, std::int64_t otherwise) const {
    const std::int64_t n = number(c_, key, otherwise);
    if (n < 0 || n > (1 << 22)) throw Failure(where_ + ": its " + key + " is not plausible");
    return n;
  }

  void add(std::string name, Shape shape) { add(std::move(name), std::move(shape), wide_); }
  void add(std::string name, Shape shape, dtype type) {
    // Counted before it is multiplied: a hostile configuration must not overflow.
    std::int64_t bits = nvq::io::bits(type);
    for (const std::int64_t n : shape) {
      if (n < 0 || (n != 0 && bits > (std::int64_t{1} << 56) / n))
        throw Failure(where_ + ": tensor '" + name + "' would be too large");
      bits *= n;
    }
    if (tensors_.size() > 4'000'000) throw Failure(where_ + ": it has too many tensors");
    tensors_.push_back({std::move(name), type, std::move(shape), 0, offset_, bits / 8});
    if (offset_ > (std::int64_t{1} << 60)) throw Failure(where_ + ": its tensors would be too large");
    offset_ += bits / 8;
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias = false) {
    add(name + ".weight", {out, in});
    if (bias) add(name + ".bias", {out});
  }
  void mlp(const std::string& at, std::int64_t width, const char* gate = "gate_proj",
           const char* down = "down_proj", const char* up = "up_proj") {
    if (f_.fused) {
      linear(at + "gate_up_proj", 2 * width, a_.hidden);
    } else {
      linear(at + gate, width, a_.hidden);
      linear(at + up, width, a_.hidden);
    }
    linear(at + down, a_.hidden, width);
  }

  void layer(std::int64_t i, const std::string& at) {
    const LayerCache& cache = a_.caches[static_cast<std::size_t>(i)];
    const bool recurrent = cache.state_bytes != 0;
    if (recurrent && f_.experts == E::jamba)
      mamba(at + "mamba.");
    else if (recurrent)
      gated_delta(at + "linear_attn.");
    else if (a_.latent)
      latent(at + "self_attn.");
    else
      attention(at + "self_attn.");
    feed_forward(i, at);
    static constexpr const char* names[] = {"input_layernorm", "post_attention_layernorm",
                                            "pre_feedforward_layernorm", "post_feedforward_layernorm"};
    for (int n = 0; n < f_.norms; ++n)
      add(at + (f_.experts == E::jamba && n == 1 ? "pre_ff_layernorm" : names[n]) + ".weight", {a_.hidden});
  }

  void attention(const std::string& at) {
    const std::int64_t q = a_.heads * a_.head_dim, kv = a_.kv_heads * a_.head_dim;
    const bool bias = f_.qkv_bias || flag(c_, "attention_bias", false);
    // Qwen3-Next computes its output gate with q.
    const std::int64_t gate = f_.name == "qwen3_next" ? 2 : 1;
    if (f_.fused) {
      linear(at + "qkv_proj", q + 2 * kv, a_.hidden);
    } else {
      linear(at + "q_proj", q * gate, a_.hidden, bias);
      linear(at + "k_proj", kv, a_.hidden, bias);
      linear(at + "v_proj", kv, a_.hidden, bias);
    }
    linear(at + "o_proj", a_.hidden, q, flag(c_, "attention_bias", f_.experts == E::gpt_oss));
    if (f_.qk_norm || flag(c_, "use_qk_norm", false)) {
      add(at + "q_norm.weight", {a_.head_dim});
      add(at + "k_norm.weight", {a_.head_dim});
    }
    if (f_.experts == E::gpt_oss) add(at + "sinks", {a_.heads});
  }

  void latent(const std::string& at) {
    const std::int64_t rank = need("kv_lora_rank"), rope = need("qk_rope_head_dim"),
                       nope = need("qk_nope_head_dim"), v = need("v_head_dim"),
                       q_rank = size("q_lora_rank", 0), q = a_.heads * (nope + rope);
    if (q_rank > 0) {
      linear(at + "q_a_proj", q_rank, a_.hidden);
      add(at + "q_a_layernorm.weight", {q_rank});
      linear(at + "q_b_proj", q, q_rank);
    } else {
      linear(at + "q_proj", q, a_.hidden);
    }
    linear(at + "kv_a_proj_with_mqa", rank + rope, a_.hidden);
    add(at + "kv_a_layernorm.weight", {rank});
    linear(at + "kv_b_proj", a_.heads * (nope + v), rank);
    linear(at + "o_proj", a_.hidden, a_.heads * v);
  }

  void gated_delta(const std::string& at) {
    const std::int64_t k = need("linear_num_key_heads") * need("linear_key_head_dim"),
                       heads = need("linear_num_value_heads"), v = heads * need("linear_value_head_dim");
    linear(at + "in_proj_qkvz", 2 * k + 2 * v, a_.hidden);
    linear(at + "in_proj_ba", 2 * heads, a_.hidden);
    add(at + "conv1d.weight", {2 * k + v, 1, size("linear_conv_kernel_dim", 4)});
    add(at + "A_log", {heads});
    add(at + "dt_bias", {heads});
    add(at + "norm.weight", {need("linear_value_head_dim")});
    linear(at + "out_proj", a_.hidden, v);
  }

  void mamba(const std::string& at) {
    const std::int64_t inner = size("mamba_expand", 2) * a_.hidden, state = need("mamba_d_state"),
                       rank = size("mamba_dt_rank", (a_.hidden + 15) / 16);
    linear(at + "in_proj", 2 * inner, a_.hidden);
    add(at + "conv1d.weight", {inner, 1, size("mamba_d_conv", 4)});
    add(at + "conv1d.bias", {inner});
    linear(at + "x_proj", rank + 2 * state, inner);
    linear(at + "dt_proj", inner, rank, true);
    add(at + "A_log", {inner, state});
    add(at + "D", {inner});
    linear(at + "out_proj", a_.hidden, inner);
    add(at + "dt_layernorm.weight", {rank});
    add(at + "b_layernorm.weight", {state});
    add(at + "c_layernorm.weight", {state});
  }

  bool has_experts(std::int64_t i) const {
    if (a_.experts == 0) return false;
    switch (f_.experts) {
      case E::none:
        return false;
      case E::mixtral:
      case E::gpt_oss:
        return true;
      case E::jamba: {
        const std::int64_t period = std::max<std::int64_t>(1, number(c_, "expert_layer_period", 2));
        return i % period == number(c_, "expert_layer_offset", 1);
      }
      case E::deepseek:
        return i >= number(c_, "first_k_dense_replace", 0) &&
               i % std::max<std::int64_t>(1, number(c_, "moe_layer_freq", 1)) == 0;
      case E::qwen: {
        if (c_.contains("mlp_only_layers") && c_["mlp_only_layers"].is_array())
          for (const json& n : c_["mlp_only_layers"])
            if (n == i) return false;
        return (i + 1) % std::max<std::int64_t>(1, number(c_, "decoder_sparse_step", 1)) == 0;
      }
    }
    return false;
  }

  void feed_forward(std::int64_t i, const std::string& at) {
    const std::string block = at + (f_.experts == E::jamba     ? "feed_forward."
                                    : f_.experts == E::mixtral ? "block_sparse_moe."
                                                               : "mlp.");
    if (!has_experts(i)) {
      mlp(f_.experts == E::mixtral ? at + "mlp." : block, need("intermediate_size"));
      return;
    }
    const std::string router = f_.experts == E::jamba || f_.experts == E::gpt_oss ? "router" : "gate";
    linear(block + router, a_.experts, a_.hidden, f_.experts == E::gpt_oss);
    if (f_.name == "deepseek_v3" || f_.name == "kimi_k2")
      add(block + "gate.e_score_correction_bias", {a_.experts}, dtype::f32);
    if (f_.experts == E::gpt_oss) return stacked_experts(block + "experts.");
    const std::int64_t width = size("moe_intermediate_size", a_.intermediate);
    for (std::int64_t e = 0; e < a_.experts; ++e) {
      const std::string expert = block + fmt::format("experts.{}.", e);
      if (f_.experts == E::mixtral)
        mlp(expert, width, "w1", "w2", "w3");
      else
        mlp(expert, width);
    }
    if (const std::int64_t shared = size("n_shared_experts", 0); shared > 0)
      mlp(block + "shared_experts.", shared * width);
    if (const std::int64_t shared = size("shared_expert_intermediate_size", 0); shared > 0) {
      mlp(block + "shared_expert.", shared);
      linear(block + "shared_expert_gate", 1, a_.hidden);
    }
  }

  /// GPT-OSS: all experts of a layer in one tensor, in MXFP4 as it is published.
  void stacked_experts(const std::string& at) {
    const std::int64_t n = a_.experts, h = a_.hidden, width = need("intermediate_size");
    const auto weight = [&](const char* name, std::int64_t rows, std::int64_t columns) {
      if (mxfp4_) {
        add(at + name + "_blocks", {n, rows, columns / 32, 16}, dtype::u8);
        add(at + name + "_scales", {n, rows, columns / 32}, dtype::u8);
      } else {
        add(at + name, {n, columns, rows});
      }
      add(at + name + "_bias", {n, rows});
    };
    weight("gate_up_proj", 2 * width, h);
    weight("down_proj", h, width);
  }

  const json& c_;
  const Architecture& a_;
  const Family& f_;
  std::string where_;
  dtype wide_ = dtype::bf16;
  bool mxfp4_ = false, tied_ = false;
  std::int64_t offset_ = 0;
  std::vector<Tensor> tensors_;
};

}  // namespace

std::vector<Tensor> tensors_of(const json& config, const Architecture& architecture,
                               const std::string& where) {
  std::string type = config.contains("model_type") && config["model_type"].is_string()
                         ? config["model_type"].get<std::string>()
                         : architecture.family;
  std::string known;
  for (const Family& f : families) {
    if (f.name == type) return Builder(config, architecture, f, where).build();
    known += (known.empty() ? "" : ", ") + std::string(f.name);
  }
  throw Failure(fmt::format(
      "{}: there are no safetensors beside it, and the tensors of a '{}' model cannot be told from its "
      "configuration here; known are {}",
      where, type, known));
}

}  // namespace app::fit
