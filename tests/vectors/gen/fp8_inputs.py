# SPDX-License-Identifier: Apache-2.0
"""Inputs of the FP8 vectors: rows of 128, edge cases among them.

    python fp8_inputs.py OUT_DIR

Writes fp8_inputs.safetensors:
    a  BF16 [768, 128]  random rows of every size, ties, zero and one-outlier rows, ends of the float range
    b  F32  [256, 128]   the same with full mantissas, a third of the values moved by a few ulp
    s  F32  [32, 128]    rows with NaN and Inf
    t  F32  [150, 200]   neither side a multiple of 128
"""

import sys

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

SEED = 20260803
WIDTH = 128


def power(exponent):
    return np.ldexp(1.0, exponent)


def random_rows(rng, count):
    x = rng.standard_normal((count, WIDTH))
    heavy = rng.random(count) < 0.3
    x[heavy] = rng.standard_t(3, (int(heavy.sum()), WIDTH))
    return x * power(rng.integers(-20, 21, count))[:, None]


def tie_rows(rng, count):
    """With amax = 448 * 2^k the scale is 2^k: the other values sit on midpoints of E4M3's grid."""
    codes = rng.integers(0, 0x7E, (count, WIDTH)).astype(np.uint8)
    low = codes.view(ml_dtypes.float8_e4m3fn).astype(np.float64)
    high = (codes + 1).astype(np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float64)
    x = (low + high) / 2 * rng.choice([-1.0, 1.0], codes.shape)
    x[:, 0] = 448.0
    return x * power(rng.integers(-30, 31, count))[:, None]


def outlier_rows(rng, count):
    x = rng.standard_normal((count, WIDTH)) * power(-rng.integers(0, 30, count))[:, None]
    x[np.arange(count), rng.integers(0, WIDTH, count)] = 1.0 + rng.random(count)
    return x * power(rng.integers(-40, 41, count))[:, None]


def zero_rows(rng, count):
    return np.where(rng.random((count, WIDTH)) < 0.5, 0.0, -0.0)


def extreme_rows(rng, count):
    x = rng.uniform(-1, 1, (count, WIDTH))
    low = power(rng.integers(-149, -105, count // 2))
    high = power(rng.integers(110, 128, count - count // 2))
    return x * np.concatenate([low, high])[:, None]


def mixture(rng, counts):
    kinds = (random_rows, tie_rows, outlier_rows, zero_rows, extreme_rows)
    rows = np.concatenate([kind(rng, count) for kind, count in zip(kinds, counts)])
    return np.clip(rows[rng.permutation(len(rows))], -3.3e38, 3.3e38).astype(np.float32)


def wiggle(rng, x, ulps):
    step = np.where(rng.random(x.shape) < 1 / 3, rng.integers(-ulps, ulps + 1, x.shape), 0)
    bits = x.view(np.int32)
    magnitude = np.clip((bits & 0x7FFFFFFF) + step, 0, 0x7F7FFFFF)
    return (magnitude | (bits & np.int32(-0x80000000))).astype(np.int32).view(np.float32)


def special(rng):
    x = rng.standard_normal((32, WIDTH)).astype(np.float32)
    values = np.array([np.nan, -np.nan, np.inf, -np.inf], np.float32)
    for row in range(2, 32):
        places = rng.permutation(WIDTH)[: rng.integers(1, 4)]
        x[row, places] = values[rng.integers(0, 4, len(places))] if row >= 14 else values[row % 4]
    return x


def make():
    rng = np.random.default_rng(SEED)
    a = mixture(rng, (420, 160, 100, 16, 72))
    b = wiggle(rng, mixture(rng, (120, 76, 30, 4, 26)), 3)
    t = (rng.standard_normal((150, 200)) * power(rng.integers(-9, 10, 150))[:, None]).astype(np.float32)
    return {"a": a.astype(ml_dtypes.bfloat16), "b": b, "s": special(rng), "t": t}


def load(directory):
    return load_file(f"{directory}/fp8_inputs.safetensors")


def squares(inputs):
    """What the recipes with 128 x 128 blocks get, NAME: matrix, from the same data."""
    a = inputs["a"]
    return {
        "a2": a.reshape(2, 49152),  # 384 blocks of 2 x 128
        "a256": a.reshape(-1)[:32768].reshape(128, 256),  # 2 whole blocks
        "t": inputs["t"],  # 4 blocks, 3 of them not full
    }


def main(out_dir):
    metadata = {"package": "numpy", "version": np.__version__, "seed": str(SEED), "note": "see gen/fp8_inputs.py"}
    save_file(make(), f"{out_dir}/fp8_inputs.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
