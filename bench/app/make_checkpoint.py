#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model directory of a given size: BF16 weights of Llama's names and shapes, random and normal.

    bench/app/make_checkpoint.py FOLDER [--gib 4] [--sparse]

Values are drawn once, four million of them; every tensor is made of stretches of these from random places, which
is as fast as the disk and leaves blocks as different from each other as those of a real model. With --sparse all
values are zeros that take no room on the disk: for what depends on sizes alone.
"""
import argparse
import json
import math
import os
import random
import struct
import sys
from array import array

GIB = 1 << 30
POOL = 1 << 22
STRETCH = 1 << 18


def normal_bf16(count, rng, deviation=0.02):
    """Bytes of `count` normal values, rounded to bfloat16. Box and Muller's method: two values a step."""
    values = array("f", bytes(4 * count))
    for i in range(0, count, 2):
        radius = deviation * math.sqrt(-2.0 * math.log(1.0 - rng.random()))
        angle = 2.0 * math.pi * rng.random()
        values[i], values[i + 1] = radius * math.cos(angle), radius * math.sin(angle)
    bits = array("I", values.tobytes())
    rounded = array("H", ((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits))
    if sys.byteorder == "big":
        rounded.byteswap()
    return rounded.tobytes()


def tensors(size):
    """Names and shapes of a model of about `size` bytes."""
    hidden = 8192 if size >= 32 * GIB else 4096 if size >= 2 * GIB else 2048 if size >= GIB // 4 else 1024
    heads, inner, vocabulary = hidden // 4, hidden * 7 // 2, 8 * hidden
    layer = {
        "input_layernorm": [hidden],
        "self_attn.q_proj": [hidden, hidden],
        "self_attn.k_proj": [heads, hidden],
        "self_attn.v_proj": [heads, hidden],
        "self_attn.o_proj": [hidden, hidden],
        "post_attention_layernorm": [hidden],
        "mlp.gate_proj": [inner, hidden],
        "mlp.up_proj": [inner, hidden],
        "mlp.down_proj": [hidden, inner],
    }
    layer_bytes = sum(2 * math.prod(shape) for shape in layer.values())
    layers = max(1, round((size - 4 * vocabulary * hidden) / layer_bytes))
    yield "model.embed_tokens.weight", [vocabulary, hidden]
    for i in range(layers):
        for name, shape in layer.items():
            yield f"model.layers.{i}.{name}.weight", shape
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [vocabulary, hidden]


def shards(size):
    """Lists of tensors of at most about a GiB together, and of a quarter of the model."""
    most = min(GIB, size // 4)
    current, held = [], 0
    for name, shape in tensors(size):
        count = 2 * math.prod(shape)
        if current and held + count > most:
            yield current
            current, held = [], 0
        current.append((name, shape))
        held += count
    yield current


def write_shard(path, members, pool, rng):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in members:
        end = at + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        if pool is None:
            out.truncate(8 + len(text) + at)
            return at
        left = at
        while left:
            count = min(left, STRETCH)
            begin = 2 * rng.randrange(0, (len(pool) - count) // 2 + 1)
            out.write(memoryview(pool)[begin:begin + count])
            left -= count
    return at


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--gib", type=float, default=4.0, help="size of the model; 4")
    parser.add_argument("--sparse", action="store_true", help="zeros that take no room")
    options = parser.parse_args()
    rng = random.Random(1)
    pool = None if options.sparse else normal_bf16(POOL, rng)
    os.makedirs(options.folder)
    all_shards = list(shards(int(options.gib * GIB)))
    index = {"metadata": {"total_size": 0}, "weight_map": {}}
    for i, members in enumerate(all_shards, 1):
        name = f"model-{i:05}-of-{len(all_shards):05}.safetensors"
        index["metadata"]["total_size"] += write_shard(os.path.join(options.folder, name), members, pool, rng)
        index["weight_map"].update({tensor: name for tensor, _ in members})
    for name, content in {
        "model.safetensors.index.json": index,
        "config.json": {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16"},
    }.items():
        with open(os.path.join(options.folder, name), "w") as out:
            json.dump(content, out, indent=2)


if __name__ == "__main__":
    main()
