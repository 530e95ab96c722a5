# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's converter reads what `nvq quantize` wrote: NVFP4 and MXFP4 it repacks into GGUF, the rest it decodes.

Each checkpoint, and what `nvq dequantize` made of it, go through the same converter, so that names, permuted heads and stacked
experts are alike; then the tensors of both files are compared, decoded by the package gguf.
"""

import logging
import sys
from pathlib import Path

from common import Report, decoded, findings, fresh, short, versions

import models
import numpy as np

from gguf_files import KEPT, gguf_of
import gguf

# dialect, format, more options, what gguf has of it
CASES = [
    ("compressed-tensors", "nvfp4", (), "NVFP4"),
    ("modelopt", "nvfp4", (), "NVFP4"),
    ("modelopt", "nvfp4", ("--activation-amax", "10"), "NVFP4"),
    ("gpt-oss", "mxfp4", (), "MXFP4"),
    ("compressed-tensors", "fp8_row", (), "F32"),
    ("compressed-tensors", "fp8_block", (), "F32"),
    ("compressed-tensors", "int8", (), "F32"),
    ("compressed-tensors", "int4_g32", (), "F32"),
    ("compressed-tensors", "int4_g32_zp", (), "F32"),
    ("modelopt", "fp8", ("--activation-amax", "10"), "F32"),
    ("deepseek", "fp8_block", (), "F32"),
    ("gptq", "int4_g32", (), "F32"),
]
# What the converter of this version cannot do, and what it says.
KNOWN = {
    ("mixtral", "nvfp4"): "Can not map tensor",
}
# Two roundings in another order than ours differ by 2^-23 each.
TOLERANCE = 2**-22


def tensors_of(reader: gguf.GGUFReader) -> dict:
    """All tensors in float32, with the scale of each tensor multiplied in, and how many are stored in each type."""
    values, types = {}, {}
    for t in reader.tensors:
        values[t.name] = gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
        types[t.tensor_type.name] = types.get(t.tensor_type.name, 0) + 1
    for name in [n for n in values if n.endswith(".scale")]:
        scale = values.pop(name)
        weight = name.removesuffix("scale") + "weight"
        values[weight] = values[weight] * scale.reshape(-1, *[1] * (values[weight].ndim - 1))
    return {n: v for n, v in values.items() if not n.endswith(".input_scale")}, types


def farthest(theirs: dict, ours: dict) -> float:
    if theirs.keys() != ours.keys():
        raise ValueError(f"tensors differ: {sorted(theirs.keys() ^ ours.keys())[:4]}")
    worst = 0.0
    for name, want in ours.items():
        got = theirs[name]
        if got.shape != want.shape:
            raise ValueError(f"{name}: {got.shape} and {want.shape}")
        worst = max(worst, float((np.abs(got - want) / np.maximum(np.abs(want), 1e-30)).max()))
    return worst


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    logging.disable(logging.WARNING)
    print(f"llama.cpp's converter of {sys.argv[4]}, " + versions("torch", "numpy"))
    report = Report("model", "dialect", "format", "findings", "stored", "largest off", "verdict")
    for name in models.ALL:
        source = models.make(name, work)
        for dialect, format_, options, stored in CASES:
            if (dialect == "gpt-oss") != (name == "gpt_oss"):
                continue
            packed = work / f"llama-cpp-{name}-{dialect}-{format_}{len(options)}"
            plain = decoded(nvq, source, packed, "--dialect", dialect, "--format", format_, *options,
                            *KEPT.get((name, format_), ()), dtype="f32")
            found = findings(nvq, packed, source)
            case = format_ + (" calibrated" if options else "")
            try:
                theirs, types = tensors_of(gguf.GGUFReader(gguf_of(packed)))
                worst = farthest(theirs, tensors_of(gguf.GGUFReader(gguf_of(plain)))[0])
                report.row(not found and worst <= TOLERANCE and types.get(stored, 0) > 0, name, dialect, case, len(found),
                           f"{types.get(stored, 0)} {stored}", f"{worst:.2g}")
            except Exception as error:
                known = KNOWN.get((name, format_))
                report.row(known is not None and known in str(error) and not found, name, dialect, case, len(found), "not read", short(error))
            for line in found:
                print("    " + line)
    report.finish()


main()
