# SPDX-License-Identifier: Apache-2.0
"""Inputs of the INT4 and INT8 vectors: rows of 128, edge cases among them.

    python int_inputs.py OUT_DIR

Writes int_inputs.safetensors:
    a  F16 [1024, 128]  random rows, one-sided rows, ties, constant, zero and one-outlier rows, subnormals
    b  F32 [256, 128]   the same with full mantissas and a far wider range
    s  F32 [16, 128]    rows with NaN and Inf
"""

import sys

import numpy as np
from safetensors.numpy import load_file, save_file

SEED = 20260804
WIDTH = 128


def power(exponent):
    return np.ldexp(1.0, exponent)


def signs(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def random_rows(rng, count):
    return rng.standard_normal((count, WIDTH))


def one_sided_rows(rng, count):
    """All values of one sign, some far from zero: what asymmetric rules differ about."""
    return (rng.random((count, WIDTH)) + rng.choice([0.0, 0.01, 1.0, 9.0], (count, 1))) * signs(rng, (count, 1))


def tie_rows(rng, count):
    """Multiples of a half step for the divisors that the owners use: 7, 7.5, 8, 15, 127, 127.5 steps to amax."""
    steps = rng.choice([7.0, 7.5, 8.0, 15.0, 127.0, 127.5], (count, 1))
    x = np.floor(rng.uniform(-1, 1, (count, WIDTH)) * steps) + rng.choice([0.0, 0.5], (count, WIDTH))
    x[:, :1] = steps * signs(rng, (count, 1))
    return x


def equal_peak_rows(rng, count):
    """The largest magnitude occurs with both signs: which one is first decides ggml's scale."""
    x = rng.uniform(-1, 1, (count, WIDTH))
    for block in range(0, WIDTH, 32):
        places = np.argsort(rng.random((count, 32)), axis=1)[:, :2] + block
        sign = signs(rng, count)
        x[np.arange(count), places[:, 0]] = sign
        x[np.arange(count), places[:, 1]] = -sign
    return x


def outlier_rows(rng, count):
    x = rng.standard_normal((count, WIDTH)) * power(-rng.integers(0, 20, count))[:, None]
    x[np.arange(count), rng.integers(0, WIDTH, count)] = signs(rng, count) * (1 + rng.random(count))
    return x


def flat_rows(rng, count):
    """Constant and zero rows."""
    x = np.repeat(rng.choice([0.0, 1.0, -1.0, 0.3, -0.7], (count, 1)), WIDTH, axis=1)
    x[::3] = np.where(rng.random(x[::3].shape) < 0.5, 0.0, -0.0)
    return x


def mixture(rng, counts, low, high):
    kinds = (random_rows, one_sided_rows, tie_rows, equal_peak_rows, outlier_rows, flat_rows)
    rows = [kind(rng, count) * power(rng.integers(low, high, count))[:, None] for kind, count in zip(kinds, counts)]
    return rng.permutation(np.concatenate(rows))


def special(rng):
    x = rng.standard_normal((16, WIDTH)).astype(np.float32)
    values = np.array([np.nan, -np.nan, np.inf, -np.inf], np.float32)
    for row in range(1, 16):
        x[row, rng.integers(0, WIDTH)] = values[row % 4]
    return x


def make():
    rng = np.random.default_rng(SEED)
    a = mixture(rng, (400, 150, 150, 100, 90, 34), -9, 9)
    a = np.concatenate([a, mixture(rng, (40, 20, 10, 10, 10, 10), -22, -14)])
    b = mixture(rng, (90, 50, 40, 26, 30, 20), -100, 100)
    b[:12] *= power(-34)
    return {"a": a.astype(np.float16), "b": b.astype(np.float32), "s": special(rng)}


def load(directory):
    return load_file(f"{directory}/int_inputs.safetensors")


def nibbles(codes):
    """Codes of 4 bits, two's complement where signed, two a byte, the even column in the low half."""
    codes = codes.astype(np.uint8) & 15
    return codes[:, 0::2] | codes[:, 1::2] << 4


def main(out_dir):
    metadata = {"package": "numpy", "version": np.__version__, "seed": str(SEED), "note": "see gen/int_inputs.py"}
    save_file(make(), f"{out_dir}/int_inputs.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
