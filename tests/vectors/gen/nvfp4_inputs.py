# SPDX-License-Identifier: Apache-2.0
"""Inputs shared by all NVFP4 vectors.

Each case is a float32 or bfloat16 matrix whose rows are a multiple of 16 and whose columns are a multiple of 64,
so that every owner (16x16 tiles, blocks of 64) can take it. A case may carry the amax of a group of tensors.
"""

import numpy as np
import torch

SEED = 20250731
E2M1_TIES = [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0]
E2M1_VALUES = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]


def e4m3_values():
    """The 126 positive finite values of E4M3, ascending."""
    return torch.arange(1, 127, dtype=torch.uint8).view(torch.float8_e4m3fn).float().numpy()


def nudge(x, ulps):
    """Moves float32 values by `ulps` units in the last place, away from zero for positive `ulps`."""
    bits = np.ascontiguousarray(x, dtype=np.float32).view(np.int32)
    return (bits + ulps).astype(np.int32).view(np.float32)


def blocks_to_matrix(blocks, rows):
    return np.ascontiguousarray(blocks, dtype=np.float32).reshape(rows, -1)


def tie_blocks(rng, factor):
    """Four blocks per E4M3 scale: amax is exactly 6*scale*factor, the rest are ties, grid values and neighbours."""
    out = []
    for scale in e4m3_values():
        for pattern in range(4):
            choice = rng.choice(E2M1_TIES + E2M1_VALUES, size=15)
            values = (choice * np.float64(scale)).astype(np.float32)
            if pattern:
                values = nudge(values, rng.integers(-1, 2, size=15).astype(np.int32) * (values != 0))
                values = np.minimum(values, np.float32(6.0 * scale))
            values *= rng.choice([-1.0, 1.0], size=15)
            amax = np.float32(6.0 * scale) * rng.choice([-1.0, 1.0])
            block = np.append(values, amax)
            out.append(rng.permutation(block))
    out = np.array(out, dtype=np.float32) * np.float32(factor)
    out = np.concatenate([out, np.zeros((512 - len(out), 16), dtype=np.float32)])
    out[-1, 0] = np.float32(2688.0) * np.float32(
        factor
    )  # pins the tensor amax: both tensor scales are `factor`
    return out


def scale_tie_blocks(rng):
    """Block amax at, one ulp below and one ulp above every midpoint of neighbouring E4M3 scales, with tensor scale 1."""
    values = e4m3_values().astype(np.float64)
    edges = np.concatenate([[0.0], values])
    midpoints = (edges[:-1] + edges[1:]) / 2
    out = []
    for middle in midpoints:
        for ulps in (-2, -1, 0, 1, 2):
            amax = nudge(np.array([6.0 * middle]), ulps)[0]
            block = (rng.uniform(-1, 1, size=16) * amax).astype(np.float32)
            block[rng.integers(16)] = amax * rng.choice([-1.0, 1.0])
            out.append(block)
    out = np.array(out, dtype=np.float32)
    out = np.concatenate([out, np.zeros((640 - len(out), 16), dtype=np.float32)])
    out[-1, 3] = 2688.0
    return out


def wide_blocks(rng, blocks, low, high):
    """Block amax log-uniform in 2**[low, high], so that scales are subnormal or underflow beside a large tensor amax."""
    amax = np.exp2(rng.uniform(low, high, size=(blocks, 1)))
    x = rng.uniform(-1, 1, size=(blocks, 16)) * amax
    x[np.arange(blocks), rng.integers(16, size=blocks)] = amax[:, 0]
    return x.astype(np.float32)


def gaussian(rng, blocks, sigma=1.0):
    return (rng.standard_normal((blocks, 16)) * sigma).astype(np.float32)


def special(rng, value):
    """A 16x64 gaussian whose row 0 holds `value` once, and whose row 5 holds a block full of it."""
    x = blocks_to_matrix(gaussian(rng, 64), 16)
    x[0, 3] = value
    x[5, 16:32] = value
    return x


def cases():
    """Name -> (matrix, amax or None)."""
    rng = np.random.default_rng(SEED)
    out = {}

    def add(name, blocks, rows, amax=None, dtype=torch.float32):
        t = torch.from_numpy(blocks_to_matrix(blocks, rows).copy()).to(dtype)
        out[name] = (t, None if amax is None else torch.tensor([amax], dtype=torch.float32))

    add("gaussian", gaussian(rng, 2048), 64)
    add("gaussian_bf16", gaussian(rng, 2048, 0.02), 64, dtype=torch.bfloat16)
    add("student_t", rng.standard_t(3, size=(1024, 16)) * 0.05, 64)
    add("random_scale", gaussian(rng, 512) * np.exp2(rng.uniform(-6, 6, size=(512, 1))), 32)
    add("wide", np.concatenate([wide_blocks(rng, 1023, -22, 0), np.full((1, 16), 1.7)]), 64)
    add("ties", tie_blocks(rng, 1.0), 32)
    add("ties_pow2", tie_blocks(rng, 2.0**-13), 32)
    add("ties_odd", tie_blocks(rng, 0.37), 32)
    add("scale_ties", scale_tie_blocks(rng), 32)
    add("scale_ties_odd", scale_tie_blocks(rng) * np.float32(0.0123), 32)
    add("quarters", rng.integers(-24, 25, size=(512, 16)) / 4.0, 32)
    add("eighths_bf16", rng.integers(-48, 49, size=(512, 16)) / 8.0, 32, dtype=torch.bfloat16)
    outlier = gaussian(rng, 512, 0.01)
    outlier[np.arange(512), rng.integers(16, size=512)] = rng.choice([-1.0, 1.0], 512) * np.exp2(
        rng.uniform(-4, 5, 512)
    )
    add("one_outlier", outlier, 32)
    constant = np.repeat(rng.standard_normal((256, 1)), 16, axis=1) * rng.choice([-1.0, 1.0], size=(256, 16))
    add("equal_magnitudes", constant, 16)
    zeros = gaussian(rng, 256)
    zeros[::3] = 0.0
    zeros[1::3, ::2] = 0.0
    zeros[1::3, 1::4] = -0.0
    zeros[3::6, ::2] = -0.0
    add("zero_blocks", zeros, 16)
    negative_zeros = np.zeros((64, 16), dtype=np.float32)
    negative_zeros[:, ::2] = -0.0
    add("zero_tensor", negative_zeros, 16)
    add("tiny", gaussian(rng, 256, 1e-30), 16)
    add("tiny_1e35", gaussian(rng, 256, 1e-35), 16)  # 2688/amax is still finite
    add("tiny_1e37", gaussian(rng, 256, 1e-37), 16)  # 2688/amax overflows
    add("subnormal", gaussian(rng, 64, 1e-41), 16)
    add("huge", gaussian(rng, 256, 1e30), 16)
    huge = gaussian(rng, 64)
    add("huge_3e38", huge / np.abs(huge).max() * np.float32(3e38), 16)
    add("shared_amax", gaussian(rng, 512), 32, amax=17.375)
    add("shared_amax_large", gaussian(rng, 512), 32, amax=40000.0)
    add("shared_amax_bf16", gaussian(rng, 512, 0.02), 32, amax=0.3125, dtype=torch.bfloat16)
    add("understated_amax", gaussian(rng, 256), 16, amax=1.5)  # as a static activation scale can be
    add("zero_tensor_shared", negative_zeros, 16, amax=2.5)
    for name, value in (("nan", np.nan), ("inf", np.inf), ("negative_inf", -np.inf)):
        out[name] = (torch.from_numpy(special(rng, value)), None)
    return out
