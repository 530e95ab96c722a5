// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What the names of a checkpoint's tensors mean. Everything is a table in layers.cpp: suffixes and globs
/// that the Llama, Qwen, Mistral, Mixtral, DeepSeek, Gemma, Phi and Granite families share. A name no table
/// knows is not quantized.
namespace app {

/// The last part of a module's name: "q_proj" of "model.layers.0.self_attn.q_proj".
std::string_view leaf(std::string_view module);

/// Whether `name` is NAME.weight, and NAME.
bool is_weight(std::string_view name, std::string& module);

/// The number of the layer a module belongs to, 7 in "model.layers.7.mlp.up_proj"; -1 when its name has none.
std::int64_t layer_number(std::string_view module);

/// Whether the module is a linear layer that quantization is meant for.
bool is_linear(std::string_view module);

/// Why a linear layer stays as it is by default (output head, routers, vision, ...); empty when it does not.
std::string_view kept_because(std::string_view module);

/// Modules that an engine fuses into one layer have the same key: they share a tensor scale, and all are
/// quantized or none. The module's own name when it is fused with nothing.
std::string fusion_key(std::string_view module);

/// Modules that must be quantized together or not at all: fused ones, and all experts of a layer.
std::string closure_key(std::string_view module);

/// The class of a tensor for reports: "attention", "mlp", "experts", "embedding", "norm", ...
std::string_view tensor_class(std::string_view name);

/// Shell-style match of a whole name: * and ?.
bool glob(const std::string& pattern, std::string_view name);

}  // namespace app
