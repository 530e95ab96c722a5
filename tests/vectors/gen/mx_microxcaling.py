# SPDX-License-Identifier: Apache-2.0
"""MX vectors of microsoft/microxcaling, the emulation library beside the OCP specification.

    PYTHONPATH=MICROXCALING_CHECKOUT python mx_microxcaling.py OUT_DIR

Reads mx_inputs.safetensors, writes mx_microxcaling.safetensors: floor.FORMAT.SET.codes and .scales.
The library returns values, not codes: this script calls the parts of its _quantize_mx in order, looks the
scaled values up in the element's table, and checks that _quantize_mx itself returns the same values.
"""

import sys

import ml_dtypes
import numpy as np
import torch
from mx.elemwise_ops import _quantize_elemwise_core
from mx.formats import _get_format_params
from mx.mx_ops import _quantize_mx, _reshape_to_blocks, _shared_exponents, _undo_reshape_to_blocks
from safetensors.numpy import save_file

import mx_inputs

COMMIT = "7bc41952de394f5cc5e782baf132e7c7542eb4e4"
FORMATS = {
    "mxfp4": ("fp4_e2m1", ml_dtypes.float4_e2m1fn, 4),
    "mxfp6_e2m3": ("fp6_e2m3", ml_dtypes.float6_e2m3fn, 6),
    "mxfp6_e3m2": ("fp6_e3m2", ml_dtypes.float6_e3m2fn, 6),
    "mxfp8_e4m3": ("fp8_e4m3", ml_dtypes.float8_e4m3fn, 8),
    "mxfp8_e5m2": ("fp8_e5m2", ml_dtypes.float8_e5m2, 8),
}


def quantize(x, name):
    element, dtype, bits = FORMATS[name]
    ebits, mbits, emax, largest, _ = _get_format_params(element)
    whole = _quantize_mx(x, 8, element, axes=[-1], block_size=32, round="even")
    blocks, axes, shape, padded = _reshape_to_blocks(x, [x.ndim - 1], 32)
    exponent = _shared_exponents(blocks, axes=[a + 1 for a in axes]) - emax
    exponent[exponent > 127] = float("nan")
    exponent[exponent < -127] = -127
    q = _quantize_elemwise_core(
        blocks / 2**exponent, mbits, ebits, largest, round="even", allow_denorm=True, saturate_normals=True
    )
    assert torch.equal(_undo_reshape_to_blocks(q * 2**exponent, padded, shape, axes), whole)
    q = _undo_reshape_to_blocks(q, padded, shape, axes).numpy()
    codes = q.astype(dtype)
    assert np.array_equal(codes.astype(np.float32), q)
    return mx_inputs.pack(codes.view(np.uint8), bits), (exponent.reshape(x.shape[0], -1) + 127).numpy().astype(np.uint8)


def main(directory):
    inputs = mx_inputs.load(directory)
    out = {}
    for name in FORMATS:
        for key in "abt":
            x = inputs[key] if name == "mxfp4" or key != "a" else inputs[key][: mx_inputs.FEW]
            codes, scales = quantize(torch.from_numpy(x.astype(np.float32)), name)
            out[f"floor.{name}.{key}.codes"] = codes
            out[f"floor.{name}.{key}.scales"] = scales
    metadata = {
        "package": "microxcaling",
        "version": COMMIT,
        "torch": torch.__version__,
        "recipe": "_quantize_mx, scale_bits 8, shared_exp_method max, round even, no flushing, no custom kernels",
        "seed": str(mx_inputs.SEED),
        "note": "Where codes have 16 rows for a, they belong to its first 16 rows.",
    }
    save_file(out, f"{directory}/mx_microxcaling.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
