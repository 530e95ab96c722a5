# SPDX-License-Identifier: Apache-2.0
"""Inputs of the MX vectors: blocks of 32 along a row, edge cases among them.

    python mx_inputs.py OUT_DIR

Writes mx_inputs.safetensors:
    a  BF16 [192, 1024]  6144 blocks: random data of every size, ties, zero and one-outlier blocks
    b  F32  [64, 1024]   2048 blocks: full mantissas, ties +-1 ulp, thresholds +-4 ulp, subnormals
    s  F32  [8, 256]     64 blocks with NaN and Inf
    t  F32  [16, 77]     rows whose last block has 13 values
"""

import sys

import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

SEED = 20260802
BLOCK = 32
# Where one of the rules changes its mind: largest elements, their midpoints to the next binade, powers of 2.
THRESHOLDS = np.array([1.0, 1.25, 1.5, 1.75, 1.875, 1.9375, 1.96875, 448 / 256, 57344 / 32768], np.float64)
# Midpoints of the element grids, as multiples of the block scale.
TIES = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 0.0625, 0.1875, 1.0625, 2.125, 4.25, 7.25, 0.03125])


def power(exponent):
    return np.ldexp(1.0, exponent)


def random_blocks(rng, count):
    x = rng.standard_normal((count, BLOCK))
    heavy = rng.random(count) < 0.2
    x[heavy] = rng.standard_t(3, (int(heavy.sum()), BLOCK))
    return x * power(rng.integers(-24, 25, count))[:, None]


def tie_blocks(rng, count):
    """Values on midpoints of the element grid for a block scale that the first value fixes."""
    scale = power(rng.integers(-30, 31, count))[:, None]
    x = rng.choice(TIES, (count, BLOCK)) * rng.choice([-1.0, 1.0], (count, BLOCK))
    x[:, 0] = rng.choice([4.0, 6.0, 7.0], count)
    fine = rng.random(count) < 0.5
    x[fine] *= 64.0
    x[fine, 0] = rng.choice([256.0, 448.0, 400.0], int(fine.sum()))
    return x * scale


def threshold_blocks(rng, count):
    amax = rng.choice(THRESHOLDS, count) * power(rng.integers(-100, 101, count))
    x = rng.uniform(-1, 1, (count, BLOCK)) * amax[:, None]
    x[np.arange(count), rng.integers(0, BLOCK, count)] = amax * rng.choice([-1.0, 1.0], count)
    return x


def outlier_blocks(rng, count):
    x = rng.standard_normal((count, BLOCK)) * power(-rng.integers(0, 40, count))[:, None]
    x[np.arange(count), rng.integers(0, BLOCK, count)] = 1.0 + rng.random(count)
    return x * power(rng.integers(-60, 61, count))[:, None]


def zero_blocks(rng, count):
    return np.where(rng.random((count, BLOCK)) < 0.5, 0.0, -0.0)


def extreme_blocks(rng, count):
    """Blocks around the ends of the scale's range: down to subnormal floats, up to the largest."""
    x = rng.uniform(-1, 1, (count, BLOCK))
    low = power(rng.integers(-149, -105, count // 2))
    high = power(rng.integers(110, 128, count - count // 2))
    return x * np.concatenate([low, high])[:, None]


def mixture(rng, counts):
    kinds = (random_blocks, tie_blocks, threshold_blocks, outlier_blocks, zero_blocks, extreme_blocks)
    blocks = np.concatenate([kind(rng, count) for kind, count in zip(kinds, counts)])
    blocks = blocks[rng.permutation(len(blocks))]
    return np.clip(blocks, -3.3e38, 3.3e38).astype(np.float32)


def wiggle(rng, x, ulps):
    """Moves a third of the values by up to `ulps` units in the last place."""
    step = np.where(rng.random(x.shape) < 1 / 3, rng.integers(-ulps, ulps + 1, x.shape), 0)
    bits = x.view(np.int32)
    magnitude = np.clip((bits & 0x7FFFFFFF) + step, 0, 0x7F7FFFFF)
    return (magnitude | (bits & np.int32(-0x80000000))).astype(np.int32).view(np.float32)


def special(rng):
    x = rng.standard_normal((64, BLOCK)).astype(np.float32)
    values = np.array([np.nan, -np.nan, np.inf, -np.inf], np.float32)
    for block in range(4, 64):
        places = rng.permutation(BLOCK)[: rng.integers(1, 4)]
        x[block, places] = values[rng.integers(0, 4, len(places))] if block >= 20 else values[block % 4]
    x[60] = np.nan
    x[61] = np.inf
    x[62] = 0
    x[62, 7] = np.nan
    x[63] *= np.float32(1e-42)
    x[63, 3] = -np.inf
    return x.reshape(8, 256)


def make():
    rng = np.random.default_rng(SEED)
    a = mixture(rng, (2900, 1000, 800, 800, 144, 500)).reshape(192, 1024)
    b = wiggle(rng, mixture(rng, (500, 500, 500, 200, 48, 300)), 4).reshape(64, 1024)
    t = (rng.standard_normal((16, 77)) * power(rng.integers(-9, 10, 16))[:, None]).astype(np.float32)
    return {"a": a.astype(ml_dtypes.bfloat16), "b": b, "s": special(rng), "t": t}


def load(directory):
    return load_file(f"{directory}/mx_inputs.safetensors")


# The formats with few owners are exercised on these rows of `a` (and on all of `b`) only.
FEW = 16
# The scale bytes that the decoders' tables have a row for.
SCALES = np.array([*range(8), *range(8, 248, 8), *range(248, 256)], np.uint8)


def pack(codes, bits):
    """Codes [rows, cols] as one LSB-first bit stream a row."""
    rows = codes.shape[0]
    expanded = np.unpackbits(codes.astype(np.uint8)[..., None], axis=-1, bitorder="little")[..., :bits]
    return np.packbits(expanded.reshape(rows, -1), axis=-1, bitorder="little")


def main(out_dir):
    metadata = {"package": "numpy", "version": np.__version__, "seed": str(SEED), "note": "see gen/mx_inputs.py"}
    save_file(make(), f"{out_dir}/mx_inputs.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
