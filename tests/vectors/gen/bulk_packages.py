# SPDX-License-Identifier: Apache-2.0
"""Bulk vectors of compressed-tensors, torchao, nvidia-modelopt and gguf: FP8, INT8 and INT4.

    python bulk_packages.py OUT_DIR

Writes bulk_{compressed_tensors,torchao,modelopt,gguf}.safetensors, see bulk.py. Signed INT4 codes and zero
points of asymmetric recipes have 8 added, as nvq stores them.
"""

import sys

import bulk
import fp8_packages as fp8
import gguf
import int_packages as integer
import numpy as np
import torch
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils import calculate_qparams
from modelopt.torch.quantization.qtensor.fp8_tensor import FP8QTensor
from modelopt.torch.quantization.qtensor.int8_tensor import INT8QTensor
from torchao.quantization import PerTensor
from torchao.quantization.quantize_.workflows import Float8Tensor


def numpy(tensor):
    return tensor.contiguous().view(torch.uint8).numpy()


def fp8_of(run, name):
    """run gives codes, scales and decoded values."""

    def convert(x):
        x = torch.from_numpy(np.ascontiguousarray(x))
        codes, scales, *_ = run(x.to(torch.bfloat16) if name.endswith("bf16") else x)
        return numpy(codes), scales.float().numpy(), None

    return convert


def compressed_int(bits, strategy, symmetric, name):
    group = {"group_size": 128} if strategy == "group" else {}
    args = QuantizationArgs(num_bits=bits, type="int", symmetric=symmetric, strategy=strategy, **group)

    def run(x):
        x = torch.from_numpy(np.ascontiguousarray(x))
        x = x.to(torch.bfloat16) if name.endswith("bf16") else x
        low, high = (x.min(), x.max()) if strategy == "tensor" else (x.amin(-1, keepdim=True), x.amax(-1, keepdim=True))
        scale, zero = calculate_qparams(low.reshape(-1, 1), high.reshape(-1, 1), args)
        codes = quantize(x, scale, zero, args, dtype=torch.int8)
        packed = integer.packed(codes if symmetric else codes + 8, bits).numpy()
        return packed, scale.float().numpy(), None if symmetric else (zero.to(torch.int8) + 8).numpy()

    return run


def modelopt_int8(axis):
    def run(x):
        q, scale = INT8QTensor.quantize(torch.from_numpy(np.ascontiguousarray(x)), axis=axis)
        return numpy(q._quantized_data), scale.float().numpy(), None

    return run


def gguf_blocks(kind, decode):
    def run(x):
        blocks = gguf.quants.quantize(x, kind)
        return decode(blocks[:, 2:]), blocks[:, :2].copy().view(np.float16).astype(np.float32), None

    return run


def q4_0(bytes_):
    """Byte j holds codes j and j + 16, with 8 added; nvq has two's complement, the even one low."""
    codes = np.concatenate([bytes_ & 15, bytes_ >> 4], axis=1) ^ 8
    return codes[:, ::2] | codes[:, 1::2] << 4


def whole(run):
    """A function of rows, given a matrix as its only row."""
    return lambda x: run(x.reshape(1, -1))


def fp8_jobs(row, block, tensor, kinds):
    for kind in kinds:
        yield "fp8_row", f"fp8_rows{kind}", bulk.by_row(fp8_of(row, kind))
        for shape in ("wide", "tall", "square"):
            yield "fp8_block128x128", f"fp8_{shape}{kind}", bulk.by_chunk(fp8_of(block, kind))
        yield "fp8_tensor", f"fp8_tensors{kind}", bulk.by_chunk(fp8_of(tensor, kind))


def compressed_tensors():
    yield from fp8_jobs(
        lambda x: fp8.compressed(x, "channel"),
        lambda x: fp8.compressed(x, "block"),
        whole(lambda x: fp8.compressed(x, "tensor")),
        ("", "_bf16"),
    )
    for recipe, bits, strategy, symmetric, sets in (
        ("int4_group128", 4, "group", True, ("int_groups", "int_groups_bf16")),
        ("int4_group128_asymmetric", 4, "group", False, ("int_groups",)),
        ("int8_group128", 8, "group", True, ("int_groups",)),
        ("int8_channel", 8, "channel", True, ("int_rows", "int_rows_bf16")),
        ("int8_tensor", 8, "tensor", True, ("int_tensors",)),
    ):
        wrap = bulk.by_chunk if strategy == "tensor" else bulk.by_row
        for name in sets:
            yield recipe, name, wrap(compressed_int(bits, strategy, symmetric, name))


def torchao():
    def tensor(x):
        q = Float8Tensor.from_hp(x, fp8.FP8, PerTensor())
        return q.qdata, q.scale

    return fp8_jobs(fp8.torchao_row, fp8.torchao_block, tensor, ("_nonzero",))


def modelopt():
    def tensor(x):
        q, scale = FP8QTensor.quantize(x)
        return q._quantized_data, scale

    yield from fp8_jobs(fp8.modelopt_row, fp8.modelopt_block, tensor, ("_nonzero",))
    yield "int8_channel", "int_rows_nonzero", bulk.by_row(modelopt_int8(0))
    yield "int8_tensor", "int_tensors_nonzero", bulk.by_chunk(modelopt_int8(None))


def gguf_jobs():
    kinds = gguf.GGMLQuantizationType
    yield "q4_0", "int_q4_0", bulk.by_row(gguf_blocks(kinds.Q4_0, q4_0))
    yield "q8_0", "int_q8_0", bulk.by_row(gguf_blocks(kinds.Q8_0, lambda codes: codes))


def main(directory):
    versions = {package: version for package, (version, *_) in integer.PACKAGES.items()}
    owners = {"compressed_tensors": compressed_tensors, "torchao": torchao, "modelopt": modelopt, "gguf": gguf_jobs}
    for package, jobs in owners.items():
        metadata = {"package": package, "version": versions[package], "torch": torch.__version__}
        bulk.save(f"{directory}/bulk_{package}.safetensors", jobs(), metadata)


if __name__ == "__main__":
    main(sys.argv[1])
