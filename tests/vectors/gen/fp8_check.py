# SPDX-License-Identifier: Apache-2.0
"""The FP8 formulas again in plain numpy, each compared with its owner's vectors.

    python fp8_check.py VECTOR_DIR

Prints a line per set with the number of codes and scales that differ. Needs numpy, ml_dtypes and safetensors.
"""

import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open

import fp8_inputs

F32 = np.float32
BF16 = ml_dtypes.bfloat16
FLT_MAX = np.finfo(F32).max


def cast(q):
    """torch's cast to E4M3 (2.12 and later): nearest even, finite overflow and Inf saturate."""
    q = q.astype(F32)
    codes = np.clip(q, F32(-448), F32(448)).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)
    return np.where(np.isnan(q), 0x7F, codes)


def amax(x):
    """Over the last axis, in the type of x; a NaN wins."""
    return np.abs(x).max(-1, keepdims=True)


def torchao_row(x):
    scale = (amax(x) / x.dtype.type(448)).astype(x.dtype).astype(F32)
    return cast(x.astype(F32) / scale), scale


def torchao_training(x, power_of_2=False):
    encode = (448.0 / np.maximum(amax(x).astype(np.float64), 1e-12)).astype(F32)
    if power_of_2:  # a float log2: just below a power of two it is that power
        encode = np.exp2(np.floor(np.log2(encode.astype(np.float64)).astype(F32)))
    return cast(x.astype(F32) * encode), encode


def compressed(x):
    t = x.dtype
    scale = (amax(x) / t.type(448)).astype(t)
    scale = np.where(scale == 0, t.type(2.0**-23 if t == F32 else 2.0**-7), scale)
    return cast((x / scale).astype(t)), scale


def modelopt(x):
    scale = (amax(x) / x.dtype.type(448)).astype(x.dtype)
    return cast((x / scale).astype(x.dtype)), scale


def ue8m0_bits(scale):
    """DeepGEMM: up to the next power of two on the bits, between 2^-126 and 2^127."""
    bits = scale.view(np.int32)
    exponent = (bits >> 23 & 255) + ((bits & 0x7FFFFF) != 0)
    return (np.clip(exponent, 1, 254).astype(np.int32) << 23).view(F32)


def ue8m0_log2(scale):
    """DeepSeek: exp2(ceil(log2(s))) in float."""
    return np.exp2(np.ceil(np.log2(scale.astype(np.float64)).astype(F32)))


def deepgemm(x, ue8m0=False):
    scale = np.maximum(amax(x).astype(F32), F32(1e-4)) / F32(448)
    scale = ue8m0_bits(scale) if ue8m0 else scale
    return cast(x.astype(F32) * (F32(1) / scale)), scale


def deepseek(x, ue8m0=False):
    """tl.max and tl.maximum drop a NaN."""
    f = x.astype(F32)
    largest = np.fmax.reduce(np.abs(f), axis=-1, keepdims=True)
    scale = np.fmax(largest, F32(1e-4)) / F32(448)
    scale = ue8m0_log2(scale) if ue8m0 else scale
    return cast(f / scale), scale


def transformer_engine(x, power_of_2=False, current=False):
    """largest: what replaces an infinite scale; the reference takes it from the input's type."""
    largest = FLT_MAX if current or x.dtype == F32 else F32(ml_dtypes.finfo(BF16).max)
    a = amax(x).astype(F32)
    scale = F32(448) / a
    scale = np.where(np.isinf(scale), largest, scale)
    if power_of_2:
        scale = (scale.view(np.int32) & np.int32(-0x800000)).view(F32)
        scale = np.where(np.isinf(a), F32(0), np.where(np.isnan(a), F32(0.5), scale))
    scale = np.where(a == 0, F32(1), scale)
    return cast(x.astype(F32) * scale), (F32(1) / scale)


RECIPES = {
    "torchao": {
        "row": torchao_row,
        "training": torchao_training,
        "training_pow2": lambda x: torchao_training(x, True),
        "block128x128": torchao_row,
    },
    "compressed_tensors": {"channel": compressed, "block128x128": compressed},
    "modelopt": {"channel": modelopt, "block128x128": modelopt},
    "deepgemm": {
        "group128": deepgemm,
        "group128_ue8m0": lambda x: deepgemm(x, True),
        "block128x128": deepgemm,
        "block128x128_ue8m0": lambda x: deepgemm(x, True),
    },
    "deepseek": {"group128": deepseek, "group128_ue8m0": lambda x: deepseek(x, True)},
    "transformer_engine": {
        "current_scaling": lambda x: transformer_engine(x, current=True),
        "group128": transformer_engine,
        "group128_pow2": lambda x: transformer_engine(x, True),
        "block128x128": transformer_engine,
        "block128x128_pow2": lambda x: transformer_engine(x, True),
    },
}


def tiled(x, formula):
    """A formula over rows, applied to zero-padded tiles of 128 x 128."""
    rows, columns = x.shape
    padded = np.zeros((-(-rows // 128) * 128, -(-columns // 128) * 128), x.dtype)
    padded[:rows, :columns] = x
    tiles = padded.reshape(padded.shape[0] // 128, 128, -1, 128).swapaxes(1, 2)
    codes, scales = formula(tiles.reshape(*tiles.shape[:2], 128 * 128))
    codes = codes.reshape(tiles.shape).swapaxes(1, 2).reshape(padded.shape)
    return codes[:rows, :columns], scales[..., 0]


def main(directory):
    inputs = fp8_inputs.load(directory)
    squares = fp8_inputs.squares(inputs)
    for owner, recipes in RECIPES.items():
        with safe_open(f"{directory}/fp8_{owner}.safetensors", "np") as file:
            vectors = {key: file.get_tensor(key) for key in file.keys()}
        for prefix in sorted(key[:-6] for key in vectors if key.endswith(".codes")):
            name, key = prefix.split(".")
            with np.errstate(all="ignore"):
                if "128x128" in name:
                    codes, scales = tiled(squares[key], recipes[name])
                else:
                    codes, scales = recipes[name](inputs[key])
            theirs = vectors[prefix + ".scales"].reshape(scales.shape)
            same = (scales == theirs) | np.isnan(scales) & np.isnan(theirs)
            their_codes = vectors[prefix + ".codes"]
            # The sign of a NaN is whatever the processor made of it.
            wrong = codes != np.where(their_codes == 0xFF, 0x7F, their_codes)
            print(
                f"{owner + ' ' + prefix:44s} scales {scales.size:4d} {scales.dtype} differ {int((~same).sum()):3d}"
                f"  codes {codes.size:6d} differ {int(wrong.sum()):4d}"
            )


if __name__ == "__main__":
    main(sys.argv[1])
