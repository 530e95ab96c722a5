// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "finding.hpp"

namespace app::check {

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = {
      {"V1", "activation scales missing or unusable",
       "vLLM runs W4A4 and static FP8 with uninitialised memory as the scale and answers \"!!!!\"",
       "calibrate again, write a constant with --fix input-scale=1.0, or declare the checkpoint weight-only "
       "(W4A16_NVFP4, input_activations null)"},
      {"V2", "some experts lack a tensor or a usable activation scale",
       "engines answer NaN on those prompts only that reach these experts",
       "calibrate with data that reaches every expert, or fill in with --fix input-scale=1.0"},
      {"V3", "layers that engines fuse have different tensor scales",
       "vLLM takes the first shard's scale for both halves of MoE experts, and the largest for dense layers, "
       "without quantizing again: the other weights are off by the ratio",
       "quantize the group against its common amax; --fix shared-scales does it where the ratio is a power "
       "of two"},
      {"V4", "a scale is in the wrong direction",
       "every weight or activation is off by the square of the scale",
       "store 1/scale: weight_scale_2 and input_scale multiply, *_global_scale divide, weight_scale_inv "
       "multiplies"},
      {"V5", "block scales are NaN, negative, or mostly zero",
       "NaN spreads to every output of the row; zero scales erase their blocks",
       "quantize these tensors again with a tool that clamps block scales to [2^-9, 448]"},
      {"V6", "shapes do not belong together, or tensors have names no loader knows",
       "a scale of half width is broadcast or read past its end; unknown names are ignored or refused",
       "quantize these tensors again: in == 2 * columns of packed FP4 == 16 * columns of NVFP4 scales"},
      {"V7", "the dtype is not that of the declared format",
       "engines refuse, or load a checkpoint twice as large as its name promises",
       "declare the format that the tensors have, or quantize again"},
      {"V8", "experts were left unquantized",
       "the checkpoint needs several times the memory it promises; engines fail on the missing scales",
       "quantize the experts, or name them in the ignore list"},
      {"V9", "the ignore list does not fit the checkpoint",
       "layers that are not quantized are built as if they were, and keep uninitialised scales: garbage",
       "list exactly the unquantized linear modules by their full names in the checkpoint; --fix ignore"},
      {"V10", "a module on the ignore list still has scales",
       "vLLM refuses: there is no module or parameter named ...",
       "take the module off the list, or drop its scales"},
      {"V11", "output head, embedding or multi-token prediction quantized or mismatched",
       "only the newest engines load them; others refuse or skip the tensors",
       "leave lm_head, embeddings and mtp.* unquantized and listed"},
      {"V12", "tensors of the source are missing",
       "parts of the model (multi-token prediction, vision) are silently gone",
       "copy the missing tensors from the source"},
      {"V13", "a router is quantized or not on the ignore list",
       "engines build the router quantized and stop at a size mismatch, or route at random",
       "leave routers unquantized and list them; --fix ignore"},
      {"V14", "GPTQ zero points do not fit checkpoint_format", "every weight is off by one scale step",
       "symmetric 4-bit qzeros are 0x77777777 under \"gptq\" and 0x88888888 under \"gptq_v2\""},
      {"V15", "scales are NaN, infinite, negative or zero, or codes are one constant word",
       "the layer's output is NaN or constant, and engines emit token 0", "quantize these tensors again"},
      {"V16", "tensor parallelism cuts a group or block", "engines refuse to load",
       "use a smaller --tp, or a format with smaller groups for these layers"},
      {"V17", "KV-cache scales are incomplete or undeclared",
       "engines leave them unread and run the cache with scale 1.0",
       "write k and v scales for every attention layer and declare the scheme, or neither"},
      {"V18", "the quantization configuration has unknown, missing or impossible entries",
       "engines refuse the checkpoint (pydantic: extra inputs are not permitted; ValueError)",
       "write the minimal set of keys; --fix config adds what can be derived"},
      {"V19", "config.json does not fit the tensors",
       "the model is built with wrong shapes or stops at the wrong tokens",
       "restore config.json from the source and add only quantization_config; --fix config with --source"},
      {"V20", "the index and the shards do not belong together",
       "loaders merge stale shards, or leave tensors uninitialised",
       "fetch the missing files, remove stale ones; --fix index rewrites the index from the headers"},
      {"V21", "layers stored fused have one tensor scale",
       "vLLM writes only the first slot of the fused layer's scales and leaves the others uninitialised",
       "store q, k, v (gate, up) as tensors of their own, or use a format without a tensor scale"},
      {"V22", "rows of a fused layer are in another order than in the source",
       "heads are mixed up: fluent nonsense",
       "keep the source's row order; engines know it from the architecture"},
      {"V23", "q_proj of a model with attn_output_gate is quantized to 4 bits",
       "perplexity rises two to six times", "leave q_proj, k_proj and v_proj of such models unquantized"},
      {"V24", "the skip list is missing and what engines infer instead is wrong",
       "vLLM takes every module with a tensor that is no F16, BF16 or F32 for quantized",
       "write modules_to_not_convert explicitly, or drop the stray tensors"},
      {"N-shard", "a file cannot be read as safetensors", "loaders refuse it", "fetch the file again"},
      {"N-config", "the configuration cannot be read, or names no known quantization",
       "engines refuse the checkpoint or load it as if it were not quantized", "restore config.json"},
      {"N-mirror", "config.json and hf_quant_config.json disagree, or one is missing",
       "vLLM reads config.json, TensorRT-LLM reads hf_quant_config.json: they load different models",
       "write both with the same content; --fix config"},
      {"N-files", "files that loaders pick up by mistake",
       "vLLM switches to the mistral format when a consolidated*.safetensors is there; loaders that look for "
       "*.bin take those",
       "remove them from the directory"},
      {"N-parts", "a tensor of a quantized weight is missing",
       "engines keep uninitialised memory in its place or refuse", "quantize the module again"},
      {"N-tail", "a row is no multiple of the group",
       "engines assert whole groups and refuse, or leave the tail without a scale",
       "leave these layers unquantized, or use a smaller group"},
      {"N-dead", "a weight is zero everywhere",
       "an expert or layer that contributes nothing; its tensor scale is arbitrary",
       "check the source; a tool that lost the tensor writes this"},
      {"N-nibbles", "the two codes of every byte are swapped",
       "fluent-looking garbage: each weight acts on its neighbour's input",
       "even columns belong in the low nibble"},
      {"N-order", "columns of a packed word are in another order than the dialect's",
       "three of four outputs are others: fluent-looking garbage",
       "nibbles 0 to 7 of an AWQ word are output columns 0, 2, 4, 6, 1, 3, 5, 7"},
      {"N-swizzle", "block scales are stored in a kernel's 128x4 order",
       "every block is decoded with another block's scale",
       "store scales linear, row by row; engines swizzle them when they load"},
      {"N-source", "decoded weights are not those of the source", "the layer computes something else",
       "quantize the module again from this source"},
      {"N-target", "a loader asked for cannot read this checkpoint", "it refuses, or reads something else",
       "convert to a dialect the loader reads"},
  };
  return all;
}

const Rule& rule(std::string_view id) {
  for (const Rule& r : rules())
    if (r.id == id) return r;
  throw std::logic_error("no rule " + std::string(id));
}

}  // namespace app::check
