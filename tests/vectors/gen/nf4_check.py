# SPDX-License-Identifier: Apache-2.0
"""The NF4 formulas again in plain numpy, compared with the vectors of bitsandbytes.

    python nf4_check.py VECTOR_DIR

Prints a line per set with the number of bytes that differ. Needs numpy, ml_dtypes and safetensors.
"""

import sys

import ml_dtypes  # noqa: F401  (numpy's bfloat16)
import numpy as np
from safetensors.numpy import load_file

F32 = np.float32
FLOOR = F32(1e-38)


def blocks_of(x, size):
    """Zero-padded blocks of the flattened tensor, and how many values the last one really has."""
    flat = x.astype(F32).reshape(-1)
    count = -(-flat.size // size)
    padded = np.zeros(count * size, F32)
    padded[: flat.size] = flat
    return padded.reshape(count, size), flat.size - (count - 1) * size


def quantize(x, table, size):
    blocks, last = blocks_of(x, size)
    absmax = np.abs(blocks).max(-1)
    scaled = blocks * (F32(1) / np.maximum(absmax, FLOOR))[:, None]
    if last < size:  # a block that is not full divides, and keeps the floored maximum
        absmax[-1] = np.maximum(absmax[-1], FLOOR)
        scaled[-1] = blocks[-1] / absmax[-1]
    middle = (table[:-1] + table[1:]) / F32(2)
    flat = np.clip(scaled, F32(-1), F32(1)).reshape(-1)[: x.size + x.size % 2]
    codes = (flat[:, None] > middle).sum(-1).astype(np.uint8)
    codes[np.isnan(flat)] = 15
    return codes[0::2] << 4 | codes[1::2], absmax


def lookup_table(table):
    """The 65536 bins that bitsandbytes' CPU code sorts [-1, 1] into."""
    middle = F32(0.5) * (table[:-1] + table[1:])
    i = np.arange(65536).astype(F32)
    value = F32(-1) + (F32(2) * i) / F32(65535)
    return np.searchsorted(middle, value, side="left").astype(np.uint8)


def nested(absmax, table, offset):
    blocks, last = blocks_of(absmax - offset, 256)
    largest = np.abs(blocks).max(-1)
    scaled = np.clip(blocks * (F32(1) / largest)[:, None], F32(-1), F32(1))
    # (value + 1) * 0.5 * 65535 + 0.5, the last two operations fused
    position = ((scaled + F32(1)) * F32(0.5)).astype(np.float64) * 65535 + 0.5
    codes = lookup_table(table)[position.astype(F32).astype(np.int64)]
    codes[largest == 0] = 0
    return codes.reshape(-1)[: absmax.size], largest


def row_sum(x, lanes):
    """torch's sum of a contiguous vector of floats: `lanes` wide, four of those in flight, cascaded."""
    wide = x[: x.size // lanes * lanes].reshape(-1, lanes)
    size = len(wide) // 4
    power = max(4, int(np.ceil(np.log2(max(size, 1)))) // 4)
    levels = np.zeros((4, 4, lanes), F32)
    i = 0
    while i + (1 << power) <= size:
        for _ in range(1 << power):
            levels[0] += wide[4 * i : 4 * i + 4]
            i += 1
        for level in range(1, 4):
            levels[level] += levels[level - 1]
            levels[level - 1] = 0
            if i & (((1 << power) - 1) << (level * power)):
                break
    while i < size:
        levels[0] += wide[4 * i : 4 * i + 4]
        i += 1
    for level in range(1, 4):
        levels[0] += levels[level]
    parts = levels[0]
    for rest in wide[4 * size :]:
        parts[0] += rest
    for k in range(1, 4):
        parts[0] += parts[k]
    total = F32(0)
    for value in x[len(wide) * lanes :]:
        total += value
    for value in parts[0]:
        total += value
    return total


def main(directory):
    own = load_file(f"{directory}/nf4_inputs.safetensors")
    mx = load_file(f"{directory}/mx_inputs.safetensors")
    sets = {"n": own["n"], "t": own["t"], "mx_a": mx["a"], "mx_b": mx["b"], "mx_s": mx["s"]}
    sets["fp8_a"] = load_file(f"{directory}/fp8_inputs.safetensors")["a"]
    sets["int_a"] = load_file(f"{directory}/int_inputs.safetensors")["a"]
    vectors = load_file(f"{directory}/nf4_bitsandbytes.safetensors")
    table = vectors["table"]
    for prefix in sorted(key[:-6] for key in vectors if key.startswith("block") and key.endswith(".codes")):
        size, key = prefix.split(".")
        with np.errstate(all="ignore"):
            codes, absmax = quantize(sets[key], table, int(size[5:]))
        theirs = vectors[prefix + ".absmax"]
        bad = ~((absmax == theirs) | np.isnan(absmax) & np.isnan(theirs))
        wrong = codes != vectors[prefix + ".codes"]
        print(f"{prefix:16s} blocks {absmax.size:5d} differ: absmax {bad.sum()} bytes {wrong.sum()}")
    for prefix in sorted(key[:-7] for key in vectors if key.startswith("nested.") and key.endswith(".offset")):
        absmax = vectors[prefix.replace("nested", "block64") + ".absmax"]
        offset = vectors[prefix + ".offset"][0]
        codes, largest = nested(absmax, vectors["nested_table"], offset)
        exact = F32(absmax.astype(np.float64).sum() / absmax.size)
        sums = {lanes: row_sum(absmax, lanes) / F32(absmax.size) for lanes in (8, 16)}
        print(
            f"{prefix:16s} blocks {absmax.size:5d} differ: bytes {(codes != vectors[prefix + '.absmax']).sum()}"
            f" nested absmax {(largest != vectors[prefix + '.nested_absmax']).sum()};"
            f" offset {offset!r} exact {exact!r} cascade of 8 {sums[8]!r} of 16 {sums[16]!r}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
