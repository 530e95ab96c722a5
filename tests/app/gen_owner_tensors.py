# SPDX-License-Identifier: Apache-2.0
"""Makes owner_tensors.safetensors: one layer of the model in examples/data, quantized by the owners of the dialects.

The tensors of model.layers.0.self_attn.k_proj as compressed-tensors' and Model Optimizer's own code make them from the
BF16 weights, with the amax that q, k and v share where the format has one scale for the tensor. Names are
CASE/SUFFIX; tests/app/quantize.cpp compares what `nvq quantize` writes, byte for byte.

    pip install -r ../vectors/gen/requirements-nvfp4.txt bitsandbytes==0.50.2
    python gen_owner_tensors.py
"""

import importlib.metadata
from pathlib import Path

import torch
from bitsandbytes import functional as bnb
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from modelopt.torch.quantization.qtensor import NVFP4QTensor
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
SOURCE = load_file(HERE.parents[1] / "examples" / "data" / "model.safetensors")
PREFIX = "model.layers.0.self_attn."
WEIGHT = SOURCE[PREFIX + "k_proj.weight"]
FUSED = torch.cat([SOURCE[f"{PREFIX}{p}_proj.weight"] for p in "qkv"])


def compressed_tensors(format, activations=None, **weights):
    """The static path of llm-compressor: min and max by strategy, calculate_qparams, the format's compressor."""
    args = QuantizationArgs(symmetric=True, dynamic=False, **weights)
    strategy, group = args.strategy, args.group_size
    state = {"weight": WEIGHT}
    if strategy in ("group", "tensor_group"):
        blocks = WEIGHT.reshape(WEIGHT.shape[0], -1, group)
        low, high = blocks.amin(-1), blocks.amax(-1)
    elif strategy == "channel":
        low, high = WEIGHT.amin(1, keepdim=True), WEIGHT.amax(1, keepdim=True)
    elif strategy == "block":
        tiles = WEIGHT.reshape(WEIGHT.shape[0] // 128, 128, WEIGHT.shape[1] // 128, 128)
        low, high = tiles.amin((1, 3)), tiles.amax((1, 3))
    else:
        low, high = FUSED.amin().reshape(1), FUSED.amax().reshape(1)
    if strategy == "tensor_group":
        state["weight_global_scale"] = generate_gparam(FUSED.amin(), FUSED.amax())
    state["weight_scale"], _ = calculate_qparams(low, high, args, global_scale=state.get("weight_global_scale"))
    scheme = QuantizationScheme(targets=["Linear"], weights=args, input_activations=activations, format=format)
    return BaseCompressor.get_value_from_registry(format).compress(state, scheme)


def modelopt_nvfp4():
    scale_2 = FUSED.float().abs().amax() / (6.0 * 448.0)
    q, scale, scale_2 = NVFP4QTensor.quantize(WEIGHT.float(), 16, None, scale_2)
    return {"weight": q._quantized_data, "weight_scale": scale, "weight_scale_2": scale_2}


def bitsandbytes_nf4_dq():
    codes, state = bnb.quantize_4bit(WEIGHT, quant_type="nf4", compress_statistics=True)
    return {"weight": codes, **{f"weight.{k}": v for k, v in state.as_dict(packed=True).items()}}


def main():
    # The mean of the scales is a sum of floats, whose order depends on the number of threads.
    torch.set_num_threads(1)
    fp4 = dict(num_bits=4, type="float")
    fp8 = dict(num_bits=8, type="float")
    cases = {
        "modelopt-nvfp4": modelopt_nvfp4(),
        "nvfp4": compressed_tensors("nvfp4-pack-quantized", **fp4, strategy="tensor_group", group_size=16, scale_dtype=torch.float8_e4m3fn),
        "mxfp4": compressed_tensors("mxfp4-pack-quantized", **fp4, strategy="group", group_size=32, scale_dtype=torch.uint8),
        "mxfp8": compressed_tensors("mxfp8-quantized", **fp8, strategy="group", group_size=32, scale_dtype=torch.uint8),
        "fp8": compressed_tensors("float-quantized", **fp8, strategy="tensor"),
        "fp8_row": compressed_tensors("float-quantized", **fp8, strategy="channel"),
        "fp8_block": compressed_tensors("float-quantized", **fp8, strategy="block", block_structure=[128, 128]),
        "int8": compressed_tensors("int-quantized", num_bits=8, type="int", strategy="channel"),
        "int4": compressed_tensors("pack-quantized", num_bits=4, type="int", strategy="group", group_size=128),
        "nf4_dq": bitsandbytes_nf4_dq(),
    }
    tensors = {f"{case}/{k}": v.contiguous() for case, t in cases.items() for k, v in t.items()}
    for name, t in tensors.items():
        print(name, t.dtype, list(t.shape))
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("compressed-tensors", "nvidia-modelopt", "bitsandbytes", "torch"))
    save_file(tensors, HERE / "owner_tensors.safetensors", {"package": versions, "note": "model.layers.0.self_attn.k_proj"})


main()
