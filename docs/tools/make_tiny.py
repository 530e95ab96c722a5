#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model of one layer whose matrices are known: row r of each is the 64 numbers below, turned by r places.

    make_tiny.py DIR [--gpt-oss]

They are exact in bfloat16, and the largest, 5.25 = 2688 / 512 = 0.75 * 7, makes scales that can be checked by head.
"""
import json
import struct
import sys
from pathlib import Path

NUMBERS = [5.25, -5.25, 1, 3.5, -2.625, 0.4375, 0, -0.875, 1.75, -1.3125, 2, 0.25, -0.25, 3, -4, 0.125,
           1.5, -1.5, 0.25, 0.125, -0.125, 0.375, 1, -0.75, 0.5, 0.0625, -0.5, 1.25, 0, -1, 0.625, 0.75,
           2.75, -1, 0.25, 0.5, -0.5, 2, 1.5, -0.25, 0, 0.75, 1, 1.25, 2.5, 0.125, -0.75, 1.75,
           1, -1, 0.5, -0.5, 0.25, 0.75, 0.125, -0.25, 0, 0.375, -0.125, 0.625, 0.875, -0.75, 0.0625, 0.3125]
SIZE = len(NUMBERS)
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": SIZE, "intermediate_size": SIZE,
          "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 256,
          "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": False, "torch_dtype": "bfloat16"}


def bf16(numbers):
    return b"".join(struct.pack("<f", x)[2:] for x in numbers)


def matrix(rows, columns=SIZE):
    return [rows, columns], bf16(NUMBERS[(r + c) % SIZE] for r in range(rows) for c in range(columns))


def experts(count, rows, columns):
    return [count, rows, columns], matrix(rows, columns)[1] * count


def main(out, gpt_oss):
    layer, config = "model.layers.0.", dict(CONFIG)
    tensors = {"model.embed_tokens.weight": matrix(256), "lm_head.weight": matrix(256)}
    for name in ("model.norm", layer + "input_layernorm", layer + "post_attention_layernorm"):
        tensors[name + ".weight"] = [SIZE], bf16([1.0] * SIZE)
    for name in "qkvo":
        tensors[f"{layer}self_attn.{name}_proj.weight"] = matrix(SIZE)
    if gpt_oss:  # experts as transformers holds them: [experts, in, out], gate and up in turns
        config.update(architectures=["GptOssForCausalLM"], model_type="gpt_oss", num_local_experts=2, num_experts_per_tok=1)
        tensors[layer + "mlp.router.weight"] = matrix(2)
        tensors[layer + "mlp.experts.gate_up_proj"] = experts(2, SIZE, 2 * SIZE)
        tensors[layer + "mlp.experts.down_proj"] = experts(2, SIZE, SIZE)
    else:
        for name in ("gate", "up", "down"):
            tensors[f"{layer}mlp.{name}_proj.weight"] = matrix(SIZE)

    header, data = {}, b""
    for name, (shape, payload) in sorted(tensors.items()):
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(data), len(data) + len(payload)]}
        data += payload
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.mkdir()
    (out / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--gpt-oss"]):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), len(sys.argv) == 3)
