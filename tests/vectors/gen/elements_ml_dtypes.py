# SPDX-License-Identifier: Apache-2.0
"""Element conversions as ml_dtypes computes them: every code decoded, every 16-bit float encoded.

    python elements_ml_dtypes.py OUT_DIR

Writes elements_ml_dtypes.safetensors (one set of tensors per element type) and
elements_float16.safetensors (float <-> half and bfloat16). Needs requirements-misc.txt.
"""

import sys
import warnings

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

SEED = 20260801
FLOATS = (
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
)
BITS = {"float4_e2m1fn": 4, "float6_e2m3fn": 6, "float6_e3m2fn": 6, "int4": 4, "uint4": 4}


def elements():
    out = {}
    halves = np.arange(65536, dtype=np.uint16)
    for name in FLOATS:
        dtype = np.dtype(getattr(ml_dtypes, name))
        codes = np.arange(1 << BITS.get(name, 8), dtype=np.uint8)
        out[f"{name}.decode"] = codes.view(dtype).astype(np.float32)
        out[f"{name}.from_bf16"] = halves.view(ml_dtypes.bfloat16).astype(dtype).view(np.uint8)
        out[f"{name}.from_f16"] = halves.view(np.float16).astype(dtype).view(np.uint8)
    # ml_dtypes truncates a float on its way to an integer, so only integers are encoded here.
    for name in ("int4", "uint4"):
        dtype = np.dtype(getattr(ml_dtypes, name))
        codes = np.arange(16, dtype=np.uint8)
        out[f"{name}.decode"] = codes.view(dtype).astype(np.float32)
    return out


def float_samples(rng):
    """Floats around every rounding boundary of both 16-bit types, then random bit patterns."""
    halves = np.arange(0, 0x7C00, 7, dtype=np.uint16)
    lower = halves.view(np.float16).astype(np.float64)
    upper = (halves + 1).astype(np.uint16).view(np.float16).astype(np.float64)
    upper[~np.isfinite(upper)] = 65536.0
    ties = ((lower + upper) / 2).astype(np.float32).view(np.uint32)
    brains = np.arange(0x0000, 0x7F80, 11, dtype=np.uint32) << 16 | 0x8000
    near = np.concatenate([ties, brains])
    near = np.concatenate([near - 1, near, near + 1])
    special = np.array(
        [0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7F800001, 0xFF800001, 0x7FC00000, 0xFFC00000]
        + [0x7FFFFFFF, 0xFFFFFFFF, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF]
        + [0x7F7F7FFF, 0x7F7F8000, 0x477FEFFF, 0x477FF000, 0x33000000, 0x33000001, 0x387FE000, 0x387FF000],
        dtype=np.uint32,
    )
    random = rng.integers(0, 1 << 32, 8192, dtype=np.uint32)
    near[1::2] |= np.uint32(1 << 31)
    return np.concatenate([special, near, random])


def float16():
    bits = float_samples(np.random.default_rng(SEED))
    x = bits.view(np.float32)
    return {
        "f32": x,
        "f32_to_f16": x.astype(np.float16).view(np.uint16),
        "f32_to_bf16": x.astype(ml_dtypes.bfloat16).view(np.uint16),
        "f16_to_f32": np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32),
    }


def main(out_dir):
    warnings.simplefilter("ignore")
    common = {"package": "ml_dtypes", "version": ml_dtypes.__version__, "numpy": np.__version__}
    save_file(
        elements(),
        f"{out_dir}/elements_ml_dtypes.safetensors",
        common
        | {
            "note": "NAME.decode[code] = value; NAME.from_bf16[bits], NAME.from_f16[bits] = code. "
            "Rounding is to nearest, ties to even. Overflow does not saturate where the type has an Inf or "
            "a NaN (E4M3FN and the FNUZ types: NaN; E5M2: Inf). FP4 and FP6 saturate, and turn NaN into zero "
            "of the opposite sign. E8M0: ties go up, everything between 2^-127 and 2^-126 becomes 2^-126, "
            "zero, negative values and overflow become NaN."
        },
    )
    save_file(
        float16(),
        f"{out_dir}/elements_float16.safetensors",
        common | {"seed": str(SEED), "note": "f32_to_f16 is numpy's conversion, f32_to_bf16 ml_dtypes'."},
    )


if __name__ == "__main__":
    main(sys.argv[1])
