# SPDX-License-Identifier: Apache-2.0
"""FP8 vectors of torchao, compressed-tensors and nvidia-modelopt.

    python fp8_packages.py OUT_DIR

Reads fp8_inputs.safetensors, writes fp8_torchao, fp8_compressed_tensors and fp8_modelopt.safetensors with
RECIPE.SET.codes and .scales, and .decoded for set t or b. Scales multiply codes.
"""

import logging
import sys
import warnings

import numpy as np
import torch
from safetensors.torch import save_file

import fp8_inputs

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

import compressed_tensors  # noqa: E402
import modelopt  # noqa: E402
import torchao  # noqa: E402
from compressed_tensors.compressors.naive_quantized.base import FloatQuantizationCompressor  # noqa: E402
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme  # noqa: E402
from compressed_tensors.quantization.utils import calculate_qparams, maybe_pad_tensor_for_block_quant  # noqa: E402
from modelopt.torch.quantization.qtensor.fp8_tensor import FP8QTensor  # noqa: E402
from torchao.float8.float8_utils import ScalingGranularity, tensor_to_scale, to_fp8_saturated  # noqa: E402
from torchao.quantization import PerRow  # noqa: E402
from torchao.quantization.quant_primitives import (  # noqa: E402
    _choose_scale_float8,
    _dequantize_affine_float8,
    _quantize_affine_float8,
)
from torchao.quantization.quantize_.workflows import Float8Tensor  # noqa: E402

FP8 = torch.float8_e4m3fn
TILE = [128, 128]


def tensor(x):
    return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if x.dtype != np.float32 else torch.from_numpy(x)


def torchao_row(x):
    q = Float8Tensor.from_hp(x, FP8, PerRow())
    return q.qdata, q.scale, _dequantize_affine_float8(q.qdata, q.scale)


def torchao_block(x):
    pad = torch.nn.functional.pad(x, (0, -x.shape[1] % 128, 0, -x.shape[0] % 128))
    scale = _choose_scale_float8(pad, TILE)
    q = _quantize_affine_float8(pad, scale)
    return q[: x.shape[0], : x.shape[1]], scale, _dequantize_affine_float8(q, scale)[: x.shape[0], : x.shape[1]]


def torchao_training(x, power_of_2=False):
    """torchao.float8: the stored scale is the one that multiplies the input."""
    encode = tensor_to_scale(x, FP8, False, None, ScalingGranularity.AXISWISE, 1, power_of_2)
    q = to_fp8_saturated(x.to(torch.float32) * encode, FP8)
    return q, encode, q.to(torch.float32) / encode


def compressed(x, strategy):
    structure = TILE if strategy == "block" else None
    args = QuantizationArgs(num_bits=8, type="float", strategy=strategy, block_structure=structure, symmetric=True)
    if structure:
        pad = maybe_pad_tensor_for_block_quant(x, tuple(TILE))
        tiles = pad.unflatten(0, (-1, 128)).unflatten(-1, (-1, 128))
        low, high = tiles.amin((1, 3)), tiles.amax((1, 3))
    else:
        low, high = x.amin(-1, keepdim=True), x.amax(-1, keepdim=True)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    scale, _ = calculate_qparams(low, high, args)
    out = FloatQuantizationCompressor.compress({"weight": x, "weight_scale": scale}, scheme)
    back = FloatQuantizationCompressor.decompress(dict(out), scheme)["weight"]
    return out["weight"], out["weight_scale"], back


def modelopt_row(x):
    q, scale = FP8QTensor.quantize(x, axis=0)
    return q._quantized_data, scale, q.dequantize(scale=scale)


def modelopt_block(x):
    sizes = {-1: 128, -2: 128}
    q, scale = FP8QTensor.quantize(x, block_sizes=sizes)
    return q._quantized_data, scale, q.dequantize(scale=scale, block_sizes=sizes)


PACKAGES = {
    "torchao": (
        torchao.__version__,
        {
            "row": torchao_row,
            "training": torchao_training,
            "training_pow2": lambda x: torchao_training(x, True),
        },
        {"block128x128": torchao_block},
        "Float8Tensor.from_hp(PerRow()); training: torchao.float8 tensor_to_scale AXISWISE, whose scale multiplies "
        "the input; block128x128: _choose_scale_float8 and _quantize_affine_float8 on the zero-padded matrix",
    ),
    "compressed_tensors": (
        compressed_tensors.__version__,
        {"channel": lambda x: compressed(x, "channel")},
        {"block128x128": lambda x: compressed(x, "block")},
        "calculate_qparams(amin, amax), then the float-quantized compressor; scales have the weights' type",
    ),
    "modelopt": (
        modelopt.__version__,
        {"channel": modelopt_row},
        {"block128x128": modelopt_block},
        "FP8QTensor.quantize(axis=0), FP8QTensor.quantize(block_sizes={-1: 128, -2: 128})",
    ),
}


def main(directory):
    inputs = fp8_inputs.load(directory)
    squares = fp8_inputs.squares(inputs)
    for package, (version, rows, tiles, recipe) in PACKAGES.items():
        out = {}
        jobs = [(name, key, inputs[key], f) for name, f in rows.items() for key in "abs"]
        jobs += [(name, key, x, f) for name, f in tiles.items() for key, x in squares.items()]
        for name, key, x, formula in jobs:
            codes, scales, decoded = formula(tensor(x))
            out[f"{name}.{key}.codes"] = codes.view(torch.uint8).contiguous()
            out[f"{name}.{key}.scales"] = scales.contiguous()
            if key in "st":
                out[f"{name}.{key}.decoded"] = decoded.contiguous()
        metadata = {
            "package": package,
            "version": version,
            "torch": torch.__version__,
            "recipe": recipe,
            "seed": str(fp8_inputs.SEED),
            "note": "Sets a2, a256 and t: see squares() in gen/fp8_inputs.py. Per-tensor scaling is a row alone.",
        }
        save_file(out, f"{directory}/fp8_{package}.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
