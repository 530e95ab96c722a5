# SPDX-License-Identifier: Apache-2.0
"""MX vectors of compressed-tensors: MXFP4, MXFP6 (E2M3) and MXFP8 through its own compressors.

    python mx_compressed_tensors.py OUT_DIR

Reads mx_inputs.safetensors, writes mx_compressed_tensors.safetensors: even.FORMAT.SET.codes and .scales.
Set a is quantized as bfloat16, b and s as float32. decode.FORMAT is BF16 [mx_inputs.SCALES, codes].
"""

import logging
import sys
import warnings

import numpy as np
import torch
from safetensors.torch import save_file

import mx_inputs

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

import compressed_tensors  # noqa: E402
from compressed_tensors.compressors.mxfp4.base import MXFP4PackedCompressor  # noqa: E402
from compressed_tensors.compressors.mxfp6.base import MXFP6PackedCompressor  # noqa: E402
from compressed_tensors.compressors.mxfp8.base import MXFP8QuantizationCompressor  # noqa: E402
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme  # noqa: E402
from compressed_tensors.quantization.utils import calculate_qparams  # noqa: E402

FORMATS = {
    "mxfp4": (MXFP4PackedCompressor, 4),
    "mxfp6_e2m3": (MXFP6PackedCompressor, 6),
    "mxfp8_e4m3": (MXFP8QuantizationCompressor, 8),
}


def scheme_of(bits):
    weights = QuantizationArgs(
        num_bits=bits,
        type="float",
        strategy="group",
        group_size=mx_inputs.BLOCK,
        symmetric=True,
        scale_dtype=torch.uint8,
        zp_dtype=torch.uint8,
    )
    return QuantizationScheme(targets=["Linear"], weights=weights)


def quantize(x, name):
    """As its observers do: minimum and maximum of a group in the weights' own type."""
    compressor, bits = FORMATS[name]
    scheme = scheme_of(bits)
    groups = x.unflatten(-1, (-1, mx_inputs.BLOCK))
    scale, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), scheme.weights)
    out = compressor.compress({"weight": x, "weight_scale": scale}, scheme)
    codes = out.get("weight_packed", out.get("weight"))
    return codes.view(torch.uint8).contiguous(), out["weight_scale"].contiguous()


def table(name):
    """The decoder on every code; a group holds 32 codes."""
    compressor, bits = FORMATS[name]
    codes = np.tile(np.arange(1 << bits, dtype=np.uint8), (len(mx_inputs.SCALES), 2 if bits == 4 else 1))
    packed = torch.from_numpy(mx_inputs.pack(codes, bits))
    scales = torch.from_numpy(mx_inputs.SCALES)[:, None].repeat(1, codes.shape[1] // 32)
    weight = "weight" if bits == 8 else "weight_packed"
    state = {weight: packed.view(torch.float8_e4m3fn) if bits == 8 else packed, "weight_scale": scales}
    return compressor.decompress(state, scheme_of(bits))["weight"][:, : 1 << bits].contiguous()


def main(directory):
    inputs = mx_inputs.load(directory)
    out = {}
    for name in FORMATS:
        out[f"decode.{name}"] = table(name)
        for key in "abs":
            x = inputs[key] if key != "a" or name != "mxfp6_e2m3" else inputs[key][: mx_inputs.FEW]
            x = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if key == "a" else torch.from_numpy(x)
            codes, scales = quantize(x.contiguous(), name)
            out[f"even.{name}.{key}.codes"] = codes
            out[f"even.{name}.{key}.scales"] = scales
    metadata = {
        "package": "compressed-tensors",
        "version": compressed_tensors.__version__,
        "torch": torch.__version__,
        "recipe": "calculate_qparams(amin, amax), then the mxfp4-pack, mxfp6-pack and mxfp8 compressors",
        "seed": str(mx_inputs.SEED),
        "note": "Where codes have 16 rows for a, they belong to its first 16 rows.",
    }
    save_file(out, f"{directory}/mx_compressed_tensors.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
