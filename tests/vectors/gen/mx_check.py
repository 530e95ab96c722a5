# SPDX-License-Identifier: Apache-2.0
"""The MX formulas again in plain numpy, each compared with its owner's vectors.

    python mx_check.py VECTOR_DIR

Prints a line per set with the number of codes and scales that differ. Needs numpy, ml_dtypes and safetensors.
"""

import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file

from mx_inputs import SCALES

F32 = np.float32
# name: bits, type, largest value, log2 of its binade, mantissa bits
FORMATS = {
    "mxfp4": (4, ml_dtypes.float4_e2m1fn, 6.0, 2, 1),
    "mxfp6_e2m3": (6, ml_dtypes.float6_e2m3fn, 7.5, 2, 3),
    "mxfp6_e3m2": (6, ml_dtypes.float6_e3m2fn, 28.0, 4, 2),
    "mxfp8_e4m3": (8, ml_dtypes.float8_e4m3fn, 448.0, 8, 3),
    "mxfp8_e5m2": (8, ml_dtypes.float8_e5m2, 57344.0, 15, 2),
}


def bits_of(x):
    return x.astype(F32).view(np.int32)


def float_of(bits):
    return np.asarray(bits, np.int64).astype(np.int32).view(F32)


def log2_f32(x):
    """A correctly rounded float log2."""
    return np.log2(x.astype(np.float64)).astype(F32)


def encode(q, name, nan_codes):
    """Saturating nearest-even codes; nan_codes = (of NaN, of -NaN)."""
    bits, dtype, largest, _, _ = FORMATS[name]
    codes = np.clip(q, F32(-largest), F32(largest)).astype(dtype).view(np.uint8)
    return np.where(np.isnan(q), np.where(np.signbit(q), nan_codes[1], nan_codes[0]), codes).astype(np.uint8)


# What torchao's integer rounding makes of a NaN, and what a cast of torch does.
TORCHAO_NAN = {"mxfp4": (3, 11), "mxfp6_e2m3": (12, 44), "mxfp6_e3m2": (14, 46), "mxfp8_e4m3": (0x7F, 0xFF)}
TORCHAO_NAN["mxfp8_e5m2"] = (0x7F, 0xFF)


def amax_nan(x):
    """The largest magnitude, NaN where the block has one."""
    return np.where(np.isnan(x).any(-1), F32(np.nan), np.abs(x).max(-1)).astype(F32)


def torchao(x, rule, name):
    _, _, largest, binade, mantissa = FORMATS[name]
    amax = amax_nan(x)
    if rule == "rceil":
        d = amax / F32(largest)
        e = np.clip(np.ceil(log2_f32(d)), -127, 127) + 127
        e = np.where(np.isnan(d), 255, np.where(np.isinf(d), 254, np.nan_to_num(e))).astype(np.int32)
        r = np.where(e == 0, F32(1), np.ldexp(F32(1), 127 - e).astype(F32))
        r = np.where(e == 255, F32(np.nan), r)
        q = x * r[..., None]
        # A NaN scale is quiet and positive; x86 keeps the first operand's sign where both are NaN.
        q = np.where((e == 255)[..., None], F32(np.nan), q)
        return e, encode(q, name, (TORCHAO_NAN[name][0],) * 2)
    b = bits_of(amax).astype(np.int64)
    if rule == "even":
        b = (b + (1 << (22 - mantissa))) & 0xFF800000
    exponent = (b >> 23 & 255) - 127
    if rule == "ceil":
        exponent = exponent + ((b & 0x7FFFFF) != 0)
    e = np.clip(exponent - binade, -127, 128) + 127
    e = np.where(np.isnan(amax), 255, e)
    scale = np.maximum(float_of(e << 23), F32(2.0**-126))
    return e, encode(x / scale[..., None], name, TORCHAO_NAN[name])


def nvidia(x, name):
    """cuBLAS and TransformerEngine: E8M0 rounded up from amax * fl(1 / largest), NaN elements not in amax."""
    largest = FORMATS[name][2]
    amax = np.nanmax(np.where(np.isnan(x), 0, np.abs(x)), -1).astype(F32)
    v = amax * F32(1.0 / largest)
    b = bits_of(v).astype(np.int64)
    exponent, fraction = b >> 23, b & 0x7FFFFF
    up = (fraction > 0) & (exponent != 254) & ~((exponent == 0) & (fraction <= 0x400000))
    e = np.where(np.isinf(v), 254, exponent + up)
    r = np.where(e == 254, F32(2.0**-127), float_of((254 - e) << 23))
    quiet = {"mxfp4": 7, "mxfp6_e2m3": 31, "mxfp6_e3m2": 31}.get(name, 0x7F)
    return e, encode(x * r[..., None], name, (quiet, quiet))


def compressed_tensors(x, name):
    """x in the weights' own type, bfloat16 or float32, which is the type of every step but the powers of two."""
    bits, _, _, binade, _ = FORMATS[name]
    t = x.dtype
    amax = np.abs(x).max(-1).astype(t)  # NaN passes through
    width, word = (23, np.int32) if t == F32 else (7, np.int16)
    kept = 3 if bits == 6 else 1
    exponent = amax.view(word).astype(np.int64) + (1 << (width - kept - 1)) >> width & 255
    e = np.where(exponent == 0, 0, np.clip(exponent - binade, 0, 255))
    e = np.where(np.isnan(amax), 0, np.where(np.isinf(amax), 255, e))
    scale = np.where(e == 255, F32(np.inf), np.ldexp(F32(1), e - 127)).astype(t)
    q = (x / scale[..., None]).astype(t).astype(F32)
    codes = encode(q, name, {4: (0, 0), 6: (32, 32), 8: (0x7F, 0xFF)}[bits])
    if bits == 4:
        codes = np.where(q == 0, 0, codes)  # its sign comes from torch.sign
    stored = np.where(e == 255, 127, e)  # log2(Inf) does not fit an integer
    return stored, codes


def modelopt(x, name):
    f = x.astype(F32)
    d = amax_nan(f) / F32(FORMATS[name][2])
    l = np.ceil(np.maximum(log2_f32(d), F32(-127)))
    if name == "mxfp8_e4m3":
        e = np.where(d > 0, np.clip(l, -127, 127), -127).astype(np.int64) + 127
        return e, encode(f * np.ldexp(F32(1), 127 - e)[..., None], name, (0x7F, 0xFF))
    y = np.where(np.isfinite(d)[..., None], f / np.exp2(l)[..., None], 0)
    bounds = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5], F32)
    count = (np.abs(y)[..., None] > bounds).sum(-1)
    e = np.where(np.isfinite(d), np.nan_to_num(l) + 127, 0).astype(np.int64)
    return e, ((y <= 0) * 8 + count).astype(np.uint8)


def microxcaling(x, name):
    bits, _, _, binade, mantissa = FORMATS[name]
    amax = np.abs(x).max(-1).astype(F32)
    e = np.floor(log2_f32(amax + F32(2.0**-126) * (amax == 0))).astype(np.int64) - binade
    e = np.maximum(e, -127)
    q = x / np.ldexp(F32(1), e)[..., None]
    # Rounding adds 0.5 in float, so the float below half the smallest code goes up.
    tiny = encode(np.full(1, 0, F32), name, (0, 0))[0] + 1
    half = np.array([tiny], np.uint8).view(FORMATS[name][1]).astype(F32)[0] / 2
    q = np.where(np.abs(q) == np.nextafter(half, F32(0)), np.copysign(2 * half, q), q)
    codes = encode(q, name, (0, 0))
    return e + 127, np.where(x == 0, 0, codes)


def unpack(codes, bits, columns):
    rows = codes.shape[0]
    stream = np.unpackbits(codes, axis=-1, bitorder="little").reshape(rows, -1)[:, : columns * bits]
    return np.packbits(stream.reshape(rows, columns, bits), axis=-1, bitorder="little")[..., 0]


def compare(label, vectors, prefix, x, name, formula):
    codes = unpack(vectors[prefix + ".codes"], FORMATS[name][0], x.shape[1])
    scales = vectors[prefix + ".scales"]
    x = x[: codes.shape[0]]
    padded = np.zeros((x.shape[0], -(-x.shape[1] // 32) * 32), x.dtype)
    padded[:, : x.shape[1]] = x
    with np.errstate(all="ignore"):
        e, mine = formula(padded.reshape(x.shape[0], -1, 32), name)
    mine = mine.reshape(padded.shape)[:, : x.shape[1]]
    wrong_scale = e != scales
    inside = ~np.repeat(wrong_scale, 32, axis=1)[:, : x.shape[1]]
    wrong = (mine != codes) & inside
    print(
        f"{label:48s} blocks {scales.size:6d} scales differ {int(wrong_scale.sum()):4d}"
        f"  codes differ (same scale) {int(wrong.sum()):5d}"
    )
    return wrong_scale, wrong, e, mine, codes, scales


def torchao_rule(rule):
    return lambda x, name: torchao(x.astype(F32), rule, name)


OWNERS = {
    "mx_torchao": {rule: torchao_rule(rule) for rule in ("floor", "rceil", "even", "ceil")},
    "mx_nvidia": {"rceil": lambda x, n: nvidia(x.astype(F32), n)},
    "mx_compressed_tensors": {"even": compressed_tensors},
    "mx_modelopt": {"rceil": modelopt},
    "mx_microxcaling": {"floor": lambda x, n: microxcaling(x.astype(F32), n)},
}


def check_decoders(directory):
    """A decoder multiplies the code's value by 2^(e - 127): exact, or rounded once where the product is small."""
    for owner, of_255 in (("mx_torchao", np.nan), ("mx_modelopt", np.inf), ("mx_compressed_tensors", np.inf)):
        with safe_open(f"{directory}/{owner}.safetensors", "np") as file:
            tables = {key[7:]: file.get_tensor(key) for key in file.keys() if key.startswith("decode.")}
        for name, table in tables.items():
            bits, dtype, *_ = FORMATS[name]
            values = np.arange(1 << bits, dtype=np.uint8).view(dtype).astype(F32)
            scales = np.ldexp(1.0, SCALES.astype(np.int64) - 127)
            scales[SCALES == 255] = of_255
            with np.errstate(all="ignore"):
                mine = (values * scales.astype(F32)[:, None]).astype(table.dtype)
            same = (mine == table) & (np.signbit(mine) == np.signbit(table)) | np.isnan(mine) & np.isnan(table)
            print(f"{owner} decode.{name}: {int((~same).sum())} of {same.size} differ")


def main(directory):
    check_decoders(directory)
    inputs = load_file(f"{directory}/mx_inputs.safetensors")
    for owner, rules in OWNERS.items():
        with safe_open(f"{directory}/{owner}.safetensors", "np") as file:
            vectors = {key: file.get_tensor(key) for key in file.keys()}
        for prefix in sorted(key[:-6] for key in vectors if key.endswith(".codes")):
            rule, name, key = prefix.split(".")
            compare(f"{owner} {prefix}", vectors, prefix, inputs[key], name, rules[rule])


if __name__ == "__main__":
    main(sys.argv[1])
