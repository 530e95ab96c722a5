# SPDX-License-Identifier: Apache-2.0
"""Bulk vectors: ten thousand blocks and more a recipe, of which only hashes are stored.

Inputs come from a generator in integer arithmetic, written here and again in tests/vectors/bulk.hpp, so that
no file has to hold them. A set is a number of chunks, each a matrix of its own; `Set` has everything the
generator needs and is stored with the hashes. For every chunk there is one 64-bit FNV-1a hash of

    SET.inputs               the values as floats
    RECIPE.SET.codes         the owner's codes, packed as nvq packs them
    RECIPE.SET.scales        its decode scales as floats
    RECIPE.SET.zero_points   bytes, where there are any

Numbers are hashed as little-endian bytes. A value is +-m * 2^e and exactly a number of the set's type. Blocks
are of 16 kinds, chosen at random: 0-3 uniform, 4-5 of many sizes, 6 one outlier, 7 one-sided, 8 constant,
9 zero, 10 mostly zero, 11 the largest magnitude with both signs, 12-13 on midpoints between codes, 14 the
neighbours of such midpoints, 15 tiny (subnormal, where the set's type allows) or huge.

Left out is what is known to differ or is undefined: NaN and infinity; -0 for nvfp4 and int; zero blocks
(_nonzero) and scales that underflow (_nonzero, _normal) where the owner divides by them; 448 / a above the
largest bfloat16 for TransformerEngine (fp8_groups_bf16); scales of Q4_0 and Q8_0 that overflow binary16 or
whose reciprocal overflows; ranges above FLT_MAX for AutoGPTQ and AutoAWQ (_normal).
"""

import typing

import numpy as np
from safetensors.numpy import save_file

U = np.uint64
TOP = 1 << 23
E4M3, INTEGER, E2M1 = 0, 1, 2  # whose midpoints kinds 12 to 14 take
HALF_STEPS = np.array([14, 15, 16, 30, 254, 255, 256, 510], U)  # to the largest value, or across the range
E2M1_MIDPOINTS = np.array([1, 3, 5, 7, 10, 14, 20], U)  # in quarters


class Set(typing.NamedTuple):
    seed: int
    chunks: int
    rows: int  # of a chunk
    columns: int
    block_rows: int
    block_columns: int
    precision: int  # significant bits of a value
    quantum: int  # values are multiples of 2^quantum
    low: int  # a block's magnitudes are below 2^E, E in [low, high]
    high: int
    tiny: int  # kind 15: E in [tiny, tiny + 7] or [huge - 7, huge]
    huge: int
    spread: int = 0  # if not 0, E is of the chunk, and a block's own is up to this much less
    midpoints: int = E4M3
    zero_blocks: int = 1
    negative_zeros: int = 0


F32, BF16, F16 = (24, -149), (8, -133), (11, -24)


def rows(seed, width, kind, low, high, tiny, huge, chunks=160, **options):
    """Every row is a block: a group or a row."""
    return Set(seed, chunks, 64, width, 1, width, *kind, low, high, tiny, huge, **options)


def wide(seed, kind, tiny, **options):
    """Tiles of 128 x 128 of which two rows are there."""
    return Set(seed, 80, 2, 8192, 2, 128, *kind, -24, 40, tiny, 128, **options)


def tall(seed, kind, tiny, **options):
    """Tiles of 128 x 128 of which two columns are there."""
    return Set(seed, 80, 8192, 2, 128, 2, *kind, -24, 40, tiny, 128, **options)


def square(seed, kind, tiny, **options):
    """Whole tiles of 128 x 128."""
    return Set(seed, 8, 256, 256, 128, 128, *kind, -24, 40, tiny, 128, **options)


def tensors(seed, kind, tiny, **options):
    """Every chunk is a block, to have one scale."""
    return Set(seed, 320, 8, 48, 8, 48, *kind, -40, 40, tiny, 126, **options)


def tiles(seed, kind, tiny):
    """Tensors of 64 tiles of 16 x 16, of NVFP4_2D."""
    return Set(seed, 80, 128, 128, 16, 16, *kind, -60, 60, tiny, 127, spread=18, midpoints=E2M1)


SIGNED = {"negative_zeros": 1}
NONZERO = {"zero_blocks": 0}  # for owners whose zero blocks have another scale
INT = {"midpoints": INTEGER}

SETS = {
    "fp8_groups": rows(1, 128, F32, -24, 40, -145, 128, **SIGNED),
    "fp8_groups_bf16": rows(2, 128, BF16, -24, 40, -110, 128, 80, **SIGNED),
    "fp8_rows": rows(3, 32, F32, -40, 40, -145, 128, **SIGNED),
    "fp8_rows_bf16": rows(4, 32, BF16, -40, 40, -130, 128, **SIGNED),
    "fp8_rows_nonzero": rows(5, 32, F32, -40, 40, -132, 128, **SIGNED, **NONZERO),
    "fp8_wide": wide(6, F32, -145, **SIGNED),
    "fp8_tall": tall(7, F32, -145, **SIGNED),
    "fp8_wide_bf16": wide(8, BF16, -130, **SIGNED),
    "fp8_tall_bf16": tall(9, BF16, -130, **SIGNED),
    "fp8_wide_nonzero": wide(10, F32, -132, **SIGNED, **NONZERO),
    "fp8_tall_nonzero": tall(11, F32, -132, **SIGNED, **NONZERO),
    "fp8_square": square(29, F32, -145, **SIGNED),
    "fp8_square_bf16": square(30, BF16, -130, **SIGNED),
    "fp8_square_nonzero": square(31, F32, -132, **SIGNED, **NONZERO),
    "fp8_tensors": tensors(12, F32, -145, **SIGNED),
    "fp8_tensors_bf16": tensors(13, BF16, -130, **SIGNED),
    "fp8_tensors_nonzero": tensors(14, F32, -132, **SIGNED, **NONZERO),
    "int_groups": rows(15, 128, F32, -40, 40, -148, 128, **INT),
    "int_groups_bf16": rows(16, 128, BF16, -40, 40, -132, 128, **INT),
    "int_groups_f16": rows(17, 128, F16, -12, 16, -14, 16, 80, **INT),
    "int_groups_normal": rows(18, 128, F32, -40, 40, -132, 126, **INT),
    "int_groups_nonzero": rows(19, 128, F32, -8, 40, -14, 126, **INT, **NONZERO),
    "int_rows": rows(20, 32, F32, -40, 40, -148, 128, **INT),
    "int_rows_bf16": rows(21, 32, BF16, -40, 40, -132, 128, **INT),
    "int_rows_nonzero": rows(22, 32, F32, -40, 40, -132, 126, **INT, **NONZERO),
    "int_tensors": tensors(23, F32, -148, **INT),
    "int_tensors_nonzero": tensors(24, F32, -132, **INT, **NONZERO),
    "int_q4_0": rows(25, 32, F32, -30, 18, -118, 18, **INT),
    "int_q8_0": rows(26, 32, F32, -30, 22, -116, 22, **INT),
    "nvfp4_tiles": tiles(27, F32, -130),
    "nvfp4_tiles_bf16": tiles(28, BF16, -110),
}


def draw(seed, n):
    """splitmix64 at position n."""
    z = (n + U(1)) * U(0x9E3779B97F4A7C15) + U(seed)
    z = (z ^ z >> U(30)) * U(0xBF58476D1CE4E5B9)
    z = (z ^ z >> U(27)) * U(0x94D049BB133111EB)
    return z ^ z >> U(31)


def bits(x, first, count):
    return x >> U(first) & U((1 << count) - 1)


def bit_length(m):
    return np.frexp(m.astype(np.float64))[1]


def exponent(s, h):
    inward = bits(h, 5, 3).astype(np.int64)
    ends = np.where(bits(h, 4, 1) == 0, s.tiny + inward, s.huge - inward)
    usual = s.low + (bits(h, 4, 16) % U(s.high - s.low + 1)).astype(np.int64)
    return np.where(bits(h, 0, 4) == 15, ends, usual)


def midpoints(s, kind, h, r, peak, second, negative):
    """m and sign of kinds 12 to 14, and how far 2^E is above m's unit."""
    t, a, b = bits(r, 24, 16), bits(h, 36, 8), bits(h, 44, 8)
    if s.midpoints == E4M3:  # in units of 2^-10; the peak is 448
        step = (t >> U(3)) % U(15)
        odd = U(2) * (t & U(7))
        m = np.where(step < 14, (U(17) + odd) << np.minimum(step, U(13)), odd + U(1))
        return np.where(peak, U(448 << 10), m), negative, 19
    if s.midpoints == E2M1:  # of a scale with 5 bits: odd ones are midpoints of E4M3
        w = U(16) + (a & U(15))
        return np.where(peak, U(24), E2M1_MIDPOINTS[t % U(7)]) * w, negative, 10
    steps = HALF_STEPS[a & U(7)]
    up = b % (steps + U(1))
    m = np.where(peak, steps, t % (steps + U(1)))
    ranged = np.where(negative, t % (steps - up + U(1)), t % (up + U(1)))
    ranged = np.where(peak, up, np.where(second, steps - up, ranged))
    sign = np.where(peak, False, np.where(second, True, negative))
    return np.where(kind == 13, ranged, m), np.where(kind == 13, sign, negative), 9


def representable(s, m, e):
    drop = np.maximum(np.maximum(bit_length(m) - s.precision, s.quantum - e), 0)
    drop = np.minimum(drop, 63).astype(U)
    return m >> drop << drop


def inputs(s):
    """Float32 [chunks, rows, columns]."""
    n = s.block_rows * s.block_columns
    in_chunk = s.rows * s.columns // n
    block = np.arange(s.chunks * in_chunk, dtype=U)[:, None]
    i = np.arange(n, dtype=U)[None, :]
    r, h = draw(3 * s.seed, block * U(n) + i), draw(3 * s.seed + 1, block)
    kind, at = bits(h, 0, 4), bits(h, 20, 16) % U(n)
    peak, second = i == at, i == (at + U(1)) % U(n)
    m0, t, a, b = bits(r, 0, 24), bits(r, 24, 16), bits(h, 36, 8), bits(h, 44, 8)
    sign, negative, magnitude = bits(h, 63, 1) == 1, bits(r, 63, 1) == 1, U(TOP) | bits(h, 36, 23)

    def choose(default, *cases):
        for kinds, value in cases:
            default = np.where(np.isin(kind, kinds), value, default)
        return default

    tie, tie_sign, tie_width = midpoints(s, kind, h, r, peak, second, negative)
    m = choose(
        m0,
        ((4, 5), m0 >> (t & U(15))),
        (6, np.where(peak, U(TOP) | m0, m0 >> (U(1) + a % U(23)))),
        (7, (m0 >> U(1) >> (b & U(7))) + U(TOP) * (a & U(1))),
        (8, magnitude),
        (9, U(0) if s.zero_blocks else m0),
        (10, np.where(peak, U(TOP) | m0, np.where(t & U(3), U(0), m0))),
        (11, np.where(peak | second, magnitude, m0 >> U(1))),
        ((12, 13, 14), tie),
    )
    negative = choose(
        negative,
        ((7, 8), sign),
        (11, np.where(peak, sign, np.where(second, ~sign, negative))),
        ((12, 13, 14), tie_sign),
    )
    largest = exponent(s, h)
    if s.spread:
        hc = draw(3 * s.seed + 2, block // U(in_chunk))
        of_chunk = exponent(s, hc)
        largest = of_chunk - (bits(h, 4, 16) % U(s.spread + 1)).astype(np.int64)
    e = largest - choose(24, ((12, 13, 14), tie_width))

    shift = np.where(m > 0, s.precision - bit_length(m), 0)
    full = np.where(shift > 0, m << np.maximum(shift, 0).astype(U), m >> np.maximum(-shift, 0).astype(U))
    moved = full + bits(r, 40, 8) % U(3) - U(1)
    m, e = np.where((kind == 14) & (m > 0), moved, m), np.where((kind == 14) & (m > 0), e - shift, e)
    if s.spread:  # half of the chunks have a largest value under which tensor scales are powers of two
        pinned = (bits(hc, 62, 1) == 1) & (block % U(in_chunk) == bits(hc, 40, 16) % U(in_chunk)) & (i == 0)
        m, e = np.where(pinned, U(21), m), np.where(pinned, of_chunk - 4, e)
    m = representable(s, m, e)
    negative &= (m > 0) | bool(s.negative_zeros)
    x = np.ldexp(np.where(negative, -1.0, 1.0) * m.astype(np.float64), e)
    assert (x == x.astype(np.float32)).all()
    x = x.astype(np.float32).reshape(
        s.chunks, s.rows // s.block_rows, s.columns // s.block_columns, s.block_rows, s.block_columns
    )
    return x.swapaxes(2, 3).reshape(s.chunks, s.rows, s.columns)


def hashes(chunks):
    """FNV-1a of every chunk's bytes."""
    chunks = np.ascontiguousarray(chunks).reshape(len(chunks), -1)
    data = chunks.astype(chunks.dtype.newbyteorder("<")).view(np.uint8)
    h = np.full(len(data), 0xCBF29CE484222325, U)
    for byte in np.ascontiguousarray(data.T):
        h = (h ^ byte) * U(0x100000001B3)
    return h


def by_row(run):
    """A function of rows that do not depend on each other, on all chunks at once."""
    return lambda x: [part if part is None else part.reshape(len(x), -1) for part in run(x.reshape(-1, x.shape[2]))]


def by_chunk(run):
    """A function of a matrix, on one chunk after the other."""
    return lambda x: [None if parts[0] is None else np.stack(parts) for parts in zip(*map(run, x))]


def save(path, jobs, metadata):
    """jobs: (recipe, name of a set, function). The function takes a set's chunks [chunks, rows, columns] and
    returns codes, scales and zero points or None, each with the chunks as first axis."""
    out, made = {}, {}
    for recipe, name, run in jobs:
        s = SETS[name]
        if name not in made:
            made[name] = inputs(s)
            out[f"{name}.set"] = np.array(s, np.int64)
            out[f"{name}.inputs"] = hashes(made[name])
        codes, scales, zero_points = run(made[name])
        out[f"{recipe}.{name}.codes"] = hashes(codes.astype(np.uint8))
        out[f"{recipe}.{name}.scales"] = hashes(scales.astype(np.float32))
        if zero_points is not None:
            out[f"{recipe}.{name}.zero_points"] = hashes(zero_points.astype(np.uint8))
        assert not np.isnan(scales).any()
        print(f"{path}: {recipe}.{name}, {scales.size} blocks")
    note = "hashes, see gen/bulk.py; SET.set is its Set"
    save_file(out, path, {**metadata, "numpy": np.__version__, "note": note})
