#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of unpack() from SASS: the table of docs/kernels.md, as Markdown.

    python3 docs/tools/unpack_instructions.py [--nvdisasm PATH] [--opcodes ROW] [ARCH ...]

ARCH: sm_80, sm_90a, sm_121a by default. Without nvdisasm of the CUDA Toolkit on the PATH, that of PyPI's triton does:
triton/backends/nvidia/bin/nvdisasm.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "include"
# What moves codes and values to and from memory, and what ends a kernel.
NOT_COUNTED = {"LDG", "STG", "LDC", "LDCU", "ULDC", "EXIT", "BRA", "NOP"}
CODES = 32


def opcodes(arch, nvdisasm):
    """Counters of opcodes by kernel."""
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "a.cubin"
        target = ["-gencode", f"arch=compute_{arch[3:]},code={arch}"]
        subprocess.run(["nvcc", "-std=c++17", f"-I{INCLUDE}", *target, "-cubin", "-o", cubin,
                        HERE / "unpack_instructions.cu"], check=True)
        text = subprocess.run([nvdisasm, "-c", cubin], check=True, capture_output=True, text=True).stdout
    kernels, current = {}, None
    for line in text.splitlines():
        if m := re.match(r"\.text\.(\w+):", line):
            current = kernels.setdefault(m[1], collections.Counter())
        elif m := re.search(r"/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)", line):
            current[m[1]] += 1
    return kernels


def counted(kernel):
    return sum(n for op, n in kernel.items() if op not in NOT_COUNTED)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("arch", nargs="*", default=["sm_80", "sm_90a", "sm_121a"])
    parser.add_argument("--nvdisasm", default="nvdisasm")
    parser.add_argument("--opcodes", metavar="ROW", help="show what a row is made of, e.g. NVFP4__scaled__half2")
    args = parser.parse_args()
    kernels = {arch: opcodes(arch, args.nvdisasm) for arch in args.arch}
    if args.opcodes:
        for arch in args.arch:
            more = kernels[arch][args.opcodes + "_2"].copy()
            more.subtract(kernels[arch][args.opcodes + "_1"])
            print(arch, {op: n for op, n in sorted(more.items()) if n})
        return
    rows = collections.defaultdict(dict)
    for arch in args.arch:
        for name, kernel in kernels[arch].items():
            if name.endswith("_2"):
                fmt, how, out = name[:-2].split("__")
                cost = (counted(kernel) - counted(kernels[arch][name[:-2] + "_1"])) / CODES
                rows[fmt, how][out, arch] = f"{cost:.2f}"
    names = {"half2": "`half2`", "bfloat162": "`bfloat162`", "float": "`float`", "e4m3": "E4M3 codes"}
    print("| Format | what | to | " + " | ".join(f"`{a}`" for a in args.arch) + " |")
    print("|---|---|---|" + "---:|" * len(args.arch))
    for (fmt, how), cells in reversed(rows.items()):  # nvdisasm lists the last kernel first
        for out in names:
            if (out, args.arch[0]) in cells:
                print(f"| `{fmt}` | {how.replace('_', ' ')} | {names[out]} | "
                      + " | ".join(cells[out, a] for a in args.arch) + " |")


main()
