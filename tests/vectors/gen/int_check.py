# SPDX-License-Identifier: Apache-2.0
"""The INT4 and INT8 formulas again in plain numpy, each compared with its owner's vectors.

    python int_check.py VECTOR_DIR

Prints a line per set with the number of codes, scales and zero points that differ.
Needs numpy, ml_dtypes and safetensors.
"""

import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open

import int_inputs
import mx_inputs

F32 = np.float32
EPS = {"float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
SMALLEST = {"float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}


def ends(x):
    """The minimum, at most 0, and the maximum, at least 0; a NaN wins."""
    zero = x.dtype.type(0)
    return np.minimum(x.min(-1, keepdims=True), zero), np.maximum(x.max(-1, keepdims=True), zero)


def integer(q):
    """As a cast of torch to int8: NaN is 0."""
    return np.nan_to_num(q.astype(np.float64), nan=0, posinf=0, neginf=0).astype(np.int64).astype(np.int8)


def compressed(x, bits, symmetric):
    t = x.dtype
    low, high = ends(x)
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if symmetric:
        largest = np.maximum(np.abs(low), np.abs(high))
        scale = (largest / t.type((2**bits - 1) / 2)).astype(t)
        zero = np.zeros(scale.shape, t)
    else:
        scale = ((high - low).astype(t) / t.type(2**bits - 1)).astype(t)
        zero = (t.type(qmin) - (low / scale).astype(t)).astype(t)
        zero = np.clip(zero, t.type(qmin), t.type(qmax))
    scale = np.where(scale == 0, t.type(EPS[t.name]), scale)
    zero = integer(np.rint(np.clip(zero.astype(F32), -128, 127)))
    q = ((x / scale).astype(t) + zero.astype(t)).astype(t).astype(F32)
    return integer(np.rint(np.clip(q, qmin, qmax))), scale, zero


def torchao(x, rule, bits):
    t = x.dtype
    low, high = ends(x)
    qmin, qmax = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    eps = F32(2.0**-23) if bits == 8 else t.type(SMALLEST[t.name])
    if rule == "symmetric":
        scale = (np.maximum(-low, high) / t.type((qmax - qmin) / 2)).astype(t)
    elif rule == "no_clipping":
        down, up = (low / t.type(qmin)).astype(t), (high / t.type(qmax)).astype(t)
        scale = np.where(down > up, down, up)
    else:
        scale = ((high - low).astype(t) / t.type(qmax - qmin)).astype(t)
    scale = np.where(np.isnan(scale), scale, np.maximum(scale, t.type(eps))).astype(t)
    zero = np.zeros(scale.shape, np.int8)
    if rule == "asymmetric":
        zero = integer(np.clip(qmin - np.rint((low / scale).astype(t)).astype(F32), qmin, qmax))
    stored = scale.astype(F32) if bits == 8 else scale
    u = stored.dtype  # int8: a float scale makes everything after it float
    inverse = (u.type(1) / stored).astype(u)
    product = (x * inverse).astype(u)
    q = np.rint(product).astype(F32) + zero
    return integer(np.clip(q, qmin, qmax)), stored, zero


def modelopt_int4(x):
    """7 / amax is the reciprocal times 7 in torch: two roundings."""
    t = x.dtype
    reciprocal = (t.type(1) / np.abs(x).max(-1, keepdims=True)).astype(t)
    encode = (reciprocal * t.type(7)).astype(t)
    q = np.clip(np.rint((x * encode).astype(t)), t.type(-8), t.type(7)).astype(F32) + 8
    return integer(q), encode, None


def modelopt_int8(x):
    t = x.dtype
    scale = (np.abs(x).max(-1, keepdims=True) / t.type(127)).astype(t)
    return integer(np.clip(np.rint((x / scale).astype(t)).astype(F32), -128, 127)), scale, None


def gptq(x, symmetric):
    x = x.astype(F32)
    low, high = ends(x)
    if symmetric:
        high = np.maximum(np.abs(low), high)
        low = np.where(low < 0, -high, low)
    empty = (low == 0) & (high == 0)
    low, high = np.where(empty, F32(-1), low), np.where(empty, F32(1), high)
    scale = (high - low) / F32(15)
    zero = np.full(scale.shape, 8, F32) if symmetric else np.rint(-low / scale)
    return integer(np.clip(np.rint(x / scale) + zero, 0, 15)), scale, integer(zero)


def awq(x, asymmetric):
    t = x.dtype
    if asymmetric:
        low, high = x.min(-1, keepdims=True), x.max(-1, keepdims=True)
        scale = (np.maximum((high - low).astype(t), t.type(1e-5)) / t.type(15)).astype(t)
        zero = np.clip(-np.rint((low / scale).astype(t)), t.type(0), t.type(15))
        q = np.clip((np.rint((x / scale).astype(t)) + zero).astype(t), t.type(0), t.type(15))
    else:
        scale = (np.maximum(np.abs(x).max(-1, keepdims=True), t.type(1e-5)) / t.type(7)).astype(t)
        zero = np.full(scale.shape, 8, t)
        q = np.clip(np.rint((x / scale).astype(t)), t.type(-8), t.type(7)) + t.type(8)
    return integer(q), scale, integer(zero)


def gguf_blocks(x, kind):
    b = x.astype(F32).reshape(-1, 32)
    first = np.abs(b).argmax(-1)[:, None]
    half = lambda v: v.astype(np.float16).view(np.uint8)  # noqa: E731
    if kind == "q4_0":
        d = np.take_along_axis(b, first, 1) / F32(-8)
    elif kind == "q4_1":
        low = b.min(-1, keepdims=True)
        d = (b.max(-1, keepdims=True) - low) / F32(15)
    else:
        d = np.abs(b).max(-1, keepdims=True) / F32(127)
    inverse = np.where(d == 0, F32(0), F32(1) / d)
    if kind == "q8_0":
        p = b * inverse
        away = np.sign(p) * (np.floor(np.abs(p)) + np.floor(2 * (np.abs(p) - np.floor(np.abs(p)))))
        out = [half(d), integer(away).view(np.uint8)]
    else:
        p = b * inverse + F32(8.5) if kind == "q4_0" else (b - low) * inverse + F32(0.5)
        q = np.minimum(np.trunc(p).astype(np.uint8), 15)
        out = [half(d), q[:, :16] | q[:, 16:] << 4]
        if kind == "q4_1":
            out.insert(1, half(low))
    return np.concatenate(out, -1).reshape(x.shape[0], -1)


RECIPES = {
    "compressed_tensors": {
        "int4_group128": lambda x: compressed(x, 4, True),
        "int4_group128_asymmetric": lambda x: compressed(x, 4, False),
        "int8_channel": lambda x: compressed(x, 8, True),
        "int8_channel_asymmetric": lambda x: compressed(x, 8, False),
    },
    "torchao": {
        "int4_group128": lambda x: torchao(x, "symmetric", 4),
        "int4_group128_no_clipping": lambda x: torchao(x, "no_clipping", 4),
        "int4_group128_asymmetric": lambda x: torchao(x, "asymmetric", 4),
        "int8_row": lambda x: torchao(x, "symmetric", 8),
    },
    "modelopt": {"int4_group128": modelopt_int4, "int8_channel": modelopt_int8},
    "gptq": {"symmetric": lambda x: gptq(x, True), "asymmetric": lambda x: gptq(x, False)},
    "awq": {"symmetric": lambda x: awq(x, False), "asymmetric": lambda x: awq(x, True)},
}


def main(directory):
    inputs = int_inputs.load(directory)
    inputs["mx_a"] = mx_inputs.load(directory)["a"].reshape(-1, 128)
    for owner in (*RECIPES, "gguf"):
        with safe_open(f"{directory}/int_{owner}.safetensors", "np") as file:
            vectors = {key: file.get_tensor(key) for key in file.keys()}
        for prefix in sorted({key.rsplit(".", 1)[0] for key in vectors}):
            name, key = prefix.split(".")
            with np.errstate(all="ignore"):
                if owner == "gguf":
                    wrong = gguf_blocks(inputs[key], name) != vectors[prefix + ".blocks"]
                    blocks = wrong.size // {"q4_0": 18, "q4_1": 20, "q8_0": 34}[name]
                    print(f"{owner + ' ' + prefix:52s} blocks {blocks:5d} differ: bytes {wrong.sum()}")
                    continue
                codes, scales, zeros = RECIPES[owner][name](inputs[key])
            theirs = vectors[prefix + ".codes"]
            if theirs.shape[1] < codes.shape[1]:
                if owner == "modelopt":  # the even element in the high half
                    codes = codes.reshape(len(codes), -1, 2)[..., ::-1].reshape(codes.shape)
                codes = int_inputs.nibbles(codes)
            wrong = codes.view(np.uint8) != theirs.reshape(codes.shape)
            s = vectors[prefix + ".scales"].reshape(scales.shape)
            bad = ~((s == scales) | np.isnan(s) & np.isnan(scales))
            z = 0 if zeros is None else (vectors[prefix + ".zero_points"].astype(np.int8) != zeros).sum()
            counts = f"scales {bad.sum()} ({s.dtype}) zeros {z} bytes {wrong.sum()}"
            print(f"{owner + ' ' + prefix:52s} rows {len(s):4d} differ: {counts}")


if __name__ == "__main__":
    main(sys.argv[1])
