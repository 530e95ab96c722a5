# SPDX-License-Identifier: Apache-2.0
"""INT4 and INT8 vectors of compressed-tensors, torchao, nvidia-modelopt and gguf.

    python int_packages.py OUT_DIR

Reads int_inputs.safetensors (and set a of mx_inputs.safetensors), writes int_compressed_tensors, int_torchao,
int_modelopt and int_gguf.safetensors: RECIPE.SET.codes, .scales, .zero_points and .decoded. Codes of 4 bits
are packed two a byte, the even column in the low half; signed ones are two's complement.
"""

import logging
import sys
import warnings

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

import int_inputs
import mx_inputs

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

import compressed_tensors  # noqa: E402
import modelopt  # noqa: E402
import torchao  # noqa: E402
from compressed_tensors.quantization import QuantizationArgs  # noqa: E402
from compressed_tensors.quantization.lifecycle.forward import dequantize, quantize  # noqa: E402
from compressed_tensors.quantization.utils import calculate_qparams  # noqa: E402
from modelopt.torch.quantization.qtensor.int4_tensor import INT4QTensor  # noqa: E402
from modelopt.torch.quantization.qtensor.int8_tensor import INT8QTensor  # noqa: E402
from torchao.quantization import PerRow  # noqa: E402
from torchao.quantization.quant_primitives import MappingType  # noqa: E402
from torchao.quantization.quantize_.workflows import Int8Tensor, IntxUnpackedToInt8Tensor  # noqa: E402


def packed(codes, bits):
    codes = codes.numpy()
    return torch.from_numpy(int_inputs.nibbles(codes) if bits == 4 else codes.view(np.uint8))


def compressed(bits, symmetric):
    kind = {"strategy": "group", "group_size": 128} if bits == 4 else {"strategy": "channel"}
    args = QuantizationArgs(num_bits=bits, type="int", symmetric=symmetric, **kind)

    def run(x):
        scale, zero = calculate_qparams(x.amin(-1, keepdim=True), x.amax(-1, keepdim=True), args)
        zero = zero.to(torch.int8)
        codes = quantize(x, scale, zero, args, dtype=torch.int8)
        decoded = dequantize(codes, scale, zero, args)
        return {"codes": packed(codes, bits), "scales": scale, "zero_points": zero, "decoded": decoded}

    return run


def torchao_int4(mapping):
    def run(x):
        q = IntxUnpackedToInt8Tensor.from_hp(x, (1, 128), torch.int4, mapping_type=mapping)
        return {"codes": packed(q.qdata, 4), "scales": q.scale, "zero_points": q.zero_point, "decoded": q.dequantize()}

    return run


def torchao_int8(mapping):
    def run(x):
        q = Int8Tensor.from_hp(x, PerRow(), mapping)
        zero = q.zero_point if q.zero_point is not None else torch.zeros(q.scale.shape, dtype=torch.int8)
        return {"codes": packed(q.qdata, 8), "scales": q.scale, "zero_points": zero, "decoded": q.dequantize()}

    return run


def modelopt_int4(x):
    """Its own packing: the even element in the high half, offset by 8. Its scale multiplies the input."""
    q, scale = INT4QTensor.quantize(x, 128)
    return {"codes": q._quantized_data, "scales": scale, "decoded": q.dequantize(scale=scale, block_sizes={-1: 128})}


def modelopt_int8(x):
    q, scale = INT8QTensor.quantize(x, axis=0)
    return {"codes": packed(q._quantized_data, 8), "scales": scale, "decoded": q.dequantize(scale=scale)}


def gguf_blocks(kind):
    """Whole blocks as in a file: a half scale, then the codes."""

    def run(x):
        f = x.to(torch.float32).numpy()
        blocks = gguf.quants.quantize(f, kind)
        return {"blocks": torch.from_numpy(blocks), "decoded": torch.from_numpy(gguf.quants.dequantize(blocks, kind))}

    return run


SYMMETRIC, ASYMMETRIC = MappingType.SYMMETRIC, MappingType.ASYMMETRIC
NO_CLIPPING = MappingType.SYMMETRIC_NO_CLIPPING_ERR
PACKAGES = {
    "compressed_tensors": (
        compressed_tensors.__version__,
        {
            "int4_group128": compressed(4, True),
            "int4_group128_asymmetric": compressed(4, False),
            "int8_channel": compressed(8, True),
            "int8_channel_asymmetric": compressed(8, False),
        },
        "calculate_qparams(amin, amax), quantize, dequantize; everything in the weights' type",
    ),
    "torchao": (
        torchao.__version__,
        {
            "int4_group128": torchao_int4(SYMMETRIC),
            "int4_group128_no_clipping": torchao_int4(NO_CLIPPING),
            "int4_group128_asymmetric": torchao_int4(ASYMMETRIC),
            "int8_row": torchao_int8(SYMMETRIC),
        },
        "IntxUnpackedToInt8Tensor.from_hp(int4, (1, 128)); Int8Tensor.from_hp(PerRow())",
    ),
    "modelopt": (
        modelopt.__version__,
        {"int4_group128": modelopt_int4, "int8_channel": modelopt_int8},
        "INT4QTensor.quantize (its scale multiplies the input; even element in the high half, offset 8), "
        "INT8QTensor.quantize(axis=0)",
    ),
    "gguf": (
        "0.19.0",
        {
            "q4_0": gguf_blocks(gguf.GGMLQuantizationType.Q4_0),
            "q4_1": gguf_blocks(gguf.GGMLQuantizationType.Q4_1),
            "q8_0": gguf_blocks(gguf.GGMLQuantizationType.Q8_0),
        },
        "gguf.quants.quantize",
    ),
}


def main(directory):
    inputs = {key: torch.from_numpy(x) for key, x in int_inputs.load(directory).items()}
    brain = mx_inputs.load(directory)["a"].view(np.int16).reshape(-1, 128)
    inputs["mx_a"] = torch.from_numpy(brain).view(torch.bfloat16)
    for package, (version, recipes, recipe) in PACKAGES.items():
        out = {}
        for name, run in recipes.items():
            for key, x in inputs.items():
                if key == "mx_a" and not (name.startswith("int4_group128") and package != "torchao" or name == "q4_0"):
                    continue
                if package == "gguf" and key == "s":
                    continue  # numpy's conversion of NaN to an integer is undefined.
                for part, tensor in run(x).items():
                    if part != "decoded" or key in ("b", "s") and tensor.shape[0] < 300:
                        rows = slice(0, 64) if part == "decoded" else slice(None)
                        out[f"{name}.{key}.{part}"] = tensor[rows].contiguous()
        metadata = {
            "package": package,
            "version": version,
            "torch": torch.__version__,
            "recipe": recipe,
            "seed": str(int_inputs.SEED),
            "note": "Sets: see gen/int_inputs.py; mx_a is set a of mx_inputs as rows of 128. decoded: first 64 rows.",
        }
        save_file(out, f"{directory}/int_{package}.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
