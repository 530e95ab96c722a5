# SPDX-License-Identifier: Apache-2.0
"""NF4 vectors of bitsandbytes on the CPU, with and without double quantization.

    python nf4_bitsandbytes.py OUT_DIR

Writes nf4_inputs.safetensors (n: ties and thresholds, t: 1001 values, so a last block of 41 and an odd count)
and nf4_bitsandbytes.safetensors, which also covers sets a, b and s of mx_inputs, a of fp8_inputs and a of
int_inputs: block64.SET.codes (high half first) and .absmax; nested.SET.absmax (U8), .nested_absmax, .offset.
"""

import contextlib
import io
import logging
import sys
import warnings

import ml_dtypes  # noqa: F401  (numpy's bfloat16)
import numpy as np
import torch
from safetensors.numpy import load_file
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

with contextlib.redirect_stderr(io.StringIO()):
    import bitsandbytes
    from bitsandbytes import functional

SEED = 20260805
# The offset is a sum of floats, whose order depends on the number of threads.
torch.set_num_threads(1)


def make():
    rng = np.random.default_rng(SEED)
    table = functional.get_4bit_type("nf4", device="cpu").numpy()
    middle = (table[:-1] + table[1:]) / np.float32(2)
    absmax = np.ldexp(rng.choice([1.0, 1.0, 1.5, 1.1, 1.9], (512, 1)), rng.integers(-60, 61, (512, 1)))
    absmax[:16] = np.ldexp(1.0, rng.integers(-149, -120, (16, 1)))
    x = (rng.choice(middle, (512, 64)) * absmax).astype(np.float32)
    step = rng.integers(-1, 2, x.shape).astype(np.int32)
    x = (x.view(np.int32) + np.where(x == 0, 0, step)).astype(np.int32).view(np.float32)
    x[:, 0] = absmax[:, 0] * rng.choice([-1.0, 1.0], 512)
    x[40] = 0
    t = (rng.standard_normal(1001) * np.ldexp(1.0, rng.integers(-3, 4, 1001))).astype(np.float32)
    return {"n": x, "t": t}


def tensor(x):
    return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if x.dtype.name == "bfloat16" else torch.from_numpy(x)


def main(directory):
    own = make()
    metadata = {"package": "numpy", "version": np.__version__, "seed": str(SEED), "note": "see gen/nf4_bitsandbytes.py"}
    save_numpy(own, f"{directory}/nf4_inputs.safetensors", metadata)
    mx = load_file(f"{directory}/mx_inputs.safetensors")
    sets = {
        "n": own["n"],
        "t": own["t"],
        "mx_a": mx["a"],
        "mx_b": mx["b"],
        "mx_s": mx["s"],
        "fp8_a": load_file(f"{directory}/fp8_inputs.safetensors")["a"],
        "int_a": load_file(f"{directory}/int_inputs.safetensors")["a"],
    }
    out = {
        "table": functional.get_4bit_type("nf4", device="cpu"),
        "nested_table": functional.create_dynamic_map(),
    }
    for key, x in sets.items():
        x = tensor(x)
        for size in (64, 32) if key == "int_a" else (64,):
            codes, state = functional.quantize_4bit(x, blocksize=size, quant_type="nf4")
            out[f"block{size}.{key}.codes"] = codes.reshape(-1)
            out[f"block{size}.{key}.absmax"] = state.absmax
        if key in ("n", "t", "mx_s"):
            decoded = functional.dequantize_4bit(*functional.quantize_4bit(x, quant_type="nf4"))
            out[f"block64.{key}.decoded"] = (decoded if key == "t" else decoded[:64]).contiguous()
        if key in ("t", "int_a", "n"):
            codes, state = functional.quantize_4bit(x, quant_type="nf4", compress_statistics=True)
            assert torch.equal(codes.reshape(-1), out[f"block64.{key}.codes"])
            decoded = functional.dequantize_4bit(codes, state)
            out[f"nested.{key}.absmax"] = state.absmax
            out[f"nested.{key}.nested_absmax"] = state.state2.absmax
            out[f"nested.{key}.offset"] = state.offset.reshape(1)
            out[f"nested.{key}.decoded"] = (decoded if key == "t" else decoded[:64]).contiguous()
    metadata = {
        "package": "bitsandbytes",
        "version": bitsandbytes.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "recipe": "quantize_4bit(quant_type=nf4) with and without compress_statistics, CPU, one thread",
        "seed": str(SEED),
        "note": "Blocks run over the flattened tensor. nested: blocks of 256; decoded: first 64 rows.",
    }
    save_file(out, f"{directory}/nf4_bitsandbytes.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
