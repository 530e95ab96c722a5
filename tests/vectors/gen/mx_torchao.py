# SPDX-License-Identifier: Apache-2.0
"""MX vectors of torchao: four scale rules, five element types, and its decoder's table.

    python mx_torchao.py OUT_DIR

Reads mx_inputs.safetensors, writes mx_torchao.safetensors. Tensors RULE.FORMAT.SET.codes and .scales;
decode.FORMAT is F32 [mx_inputs.SCALES, codes of the element].
"""

import logging
import sys
import warnings

import numpy as np
import torch
from safetensors.numpy import save_file

import mx_inputs

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

import torchao  # noqa: E402
from torchao.prototype.mx_formats.config import ScaleCalculationMode  # noqa: E402
from torchao.prototype.mx_formats.mx_tensor import to_dtype, to_mx  # noqa: E402

RULES = {"floor": "FLOOR", "rceil": "RCEIL", "even": "EVEN", "ceil": "CEIL"}
FORMATS = {
    "mxfp4": (torch.float4_e2m1fn_x2, 4),
    "mxfp6_e2m3": ("fp6_e2m3", 6),
    "mxfp6_e3m2": ("fp6_e3m2", 6),
    "mxfp8_e4m3": (torch.float8_e4m3fn, 8),
    "mxfp8_e5m2": (torch.float8_e5m2, 8),
}


def tensor(x):
    return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if x.dtype != np.float32 else torch.from_numpy(x)


def quantize(x, rule, name):
    element, bits = FORMATS[name]
    mode = getattr(ScaleCalculationMode, RULES[rule])
    scales, codes = to_mx(tensor(x), element, mx_inputs.BLOCK, mode)
    codes = codes.view(torch.uint8).numpy()
    return (mx_inputs.pack(codes, 6) if bits == 6 else codes), scales.view(torch.uint8).numpy()


def table(name):
    element, bits = FORMATS[name]
    codes = torch.arange(1 << bits, dtype=torch.uint8).repeat(len(mx_inputs.SCALES), 1)
    scales = torch.from_numpy(mx_inputs.SCALES)[:, None].repeat(1, (1 << bits) // 16)
    if bits == 4:
        codes = codes[:, 0::2] | codes[:, 1::2] << 4
    if bits == 8:
        codes = codes.view(element)
    return to_dtype(codes.contiguous(), scales, element, 16, torch.float32).numpy()


def main(directory):
    inputs = mx_inputs.load(directory)
    out = {}
    for name in FORMATS:
        out[f"decode.{name}"] = table(name)
        for rule in RULES:
            whole = name == "mxfp4" or (name == "mxfp8_e4m3" and rule in ("floor", "rceil"))
            for key in "abs" if whole or rule in ("floor", "rceil") else "bs":
                x = inputs[key] if whole or key != "a" else inputs[key][: mx_inputs.FEW]
                codes, scales = quantize(np.ascontiguousarray(x), rule, name)
                out[f"{rule}.{name}.{key}.codes"] = codes
                out[f"{rule}.{name}.{key}.scales"] = scales
    metadata = {
        "package": "torchao",
        "version": torchao.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "recipe": "to_mx, eager, on the CPU; ScaleCalculationMode FLOOR, RCEIL, EVEN, CEIL",
        "seed": str(mx_inputs.SEED),
        "note": "Where codes have 16 rows for a, they belong to its first 16 rows.",
    }
    save_file(out, f"{directory}/mx_torchao.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
