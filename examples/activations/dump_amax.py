#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Largest magnitudes of the inputs of every linear layer and expert, and of cached keys and values, over a text.

    dump_amax.py MODEL_DIR TEXT_FILE OUT.json [WINDOW [WINDOWS]]

OUT is what `nvq quantize --activation-amax` and `--kv-amax` read. The model runs on 128 windows of 512 tokens when not
said otherwise; it needs torch and transformers. A model without a tokenizer is taken to read bytes.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

amax = {}


def seen(name, values):
    if values.numel():
        amax[name] = max(amax.get(name, 0.0), values.abs().max().item())


def watch(name, module):
    if isinstance(module, torch.nn.Linear):
        module.register_forward_pre_hook(lambda _, inputs: seen(name, inputs[0]))
    weight = getattr(module, "gate_up_proj", None)
    if isinstance(weight, torch.nn.Parameter) and weight.dim() == 3 and weight.shape[2] == module.down_proj.shape[1]:

        def experts(module, inputs):  # all experts of a layer in one module: [expert, 2 * intermediate, hidden]
            x, chosen = inputs[0].flatten(0, -2), inputs[1].flatten(0, -2)
            for e in range(weight.shape[0]):
                mine = x[(chosen == e).any(-1)]
                gate, up = torch.nn.functional.linear(mine, module.gate_up_proj[e]).chunk(2, -1)
                seen(f"{name}.{e}.gate_proj", mine)
                seen(f"{name}.{e}.up_proj", mine)
                seen(f"{name}.{e}.down_proj", module.act_fn(gate) * up)

        module.register_forward_pre_hook(experts)


def main(model_dir, text_file, out, window=512, windows=128):
    model = AutoModelForCausalLM.from_pretrained(model_dir, dtype="auto", device_map="cuda" if torch.cuda.is_available() else None)
    for name, module in model.named_modules():
        watch(name, module)
    attention = {m.layer_idx: n for n, m in model.named_modules() if hasattr(m, "layer_idx") and hasattr(m, "k_proj")}
    with open(text_file, "rb") as file:
        text = file.read()
    try:
        tokens = AutoTokenizer.from_pretrained(model_dir)(text.decode()).input_ids
    except (OSError, ValueError, KeyError):
        tokens = []
    tokens = torch.tensor(tokens or list(text))
    with torch.no_grad():
        for piece in tokens.split(int(window))[: int(windows)]:
            cache = model(piece[None].to(model.device), use_cache=True).past_key_values
            for layer, name in attention.items():
                seen(name + ".k", cache.layers[layer].keys)
                seen(name + ".v", cache.layers[layer].values)
    with open(out, "w") as file:
        json.dump(amax, file, indent=1)


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
