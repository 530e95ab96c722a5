#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of unpack() and pack() from SASS: the tables of docs/kernels.md, as Markdown.

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


def usual_path(blocks):
    """The opcodes of the way through a kernel that ordinary values take: without subroutines, with as few divisions as
    can be, and of those the longest."""
    best = {}

    def cost(way):
        return way["CALL"], way["FCHK"], -counted(way)

    def best_from(label):
        if label not in best:
            ops, targets = blocks.get(label, ([], []))
            best[label] = collections.Counter(ops)
            if targets:
                best[label] += min(map(best_from, targets), key=cost)
        return best[label]

    return best_from(next(iter(blocks)))


def opcodes(source, arch, nvdisasm):
    """Counters of opcodes by kernel."""
    with tempfile.TemporaryDirectory() as folder:
        cubin = pathlib.Path(folder) / "a.cubin"
        target = ["-gencode", f"arch=compute_{arch[3:]},code={arch}"]
        subprocess.run(["nvcc", "-std=c++17", f"-I{INCLUDE}", *target, "-cubin", "-o", cubin, HERE / source],
                       check=True)
        text = subprocess.run([nvdisasm, "-c", cubin], check=True, capture_output=True, text=True).stdout
    kernels, blocks, label, open_end = {}, {}, "", False
    for line in text.splitlines():
        if m := re.match(r"(\.text\.)?([.\w$]+):", line):
            if m[1]:
                blocks, open_end = kernels.setdefault(m[2], {}), False
            if open_end:
                blocks[label][1].append(m[2])
            label, open_end = m[2], True
            blocks[label] = ([], [])
        elif m := re.search(r"/\*[0-9a-f]{4,}\*/\s+(@!?U?P\w+\s+)?([A-Z][A-Z0-9_]*)", line):
            blocks[label][0].append(m[2])
            if m[2] in ("BRA", "EXIT", "RET"):
                if target := re.search(r"`\((\S+)\)", line):
                    blocks[label][1].append(target[1])
                if m[1] or re.search(r"BRA\S*\s+!?UP\d", line):
                    rest = f"{label}+"
                    blocks[label][1].append(rest)
                    label, blocks[rest] = rest, ([], [])
                else:
                    open_end = False
                    label = f"{label}-"  # padding
                    blocks[label] = ([], [])
    return {name: usual_path(parts) for name, parts in kernels.items()}


def counted(kernel):
    return sum(n for op, n in kernel.items() if op not in NOT_COUNTED)


UNPACK = {"half2": "`half2`", "bfloat162": "`bfloat162`", "float": "`float`", "e4m3": "E4M3 codes"}
PACK = {}  # recipes, by their names


def print_table(archs, kernels, heads, names):
    rows = collections.defaultdict(dict)
    for arch in archs:
        for name, kernel in kernels[arch].items():
            if name.endswith("_2"):
                fmt, how, last = name[:-2].split("__")
                cost = (counted(kernel) - counted(kernels[arch][name[:-2] + "_1"])) / CODES
                rows[fmt, how][last, arch] = f"{cost:.2f}"
    print(f"| {heads} | " + " | ".join(f"`{a}`" for a in archs) + " |")
    print("|---|---|---|" + "---:|" * len(archs))
    for (fmt, how), cells in reversed(rows.items()):  # nvdisasm lists the last kernel first
        for last in names or list(dict.fromkeys(key for key, _ in reversed(cells))):
            if (last, archs[0]) in cells:
                print(f"| `{fmt}` | {how.replace('_', ' ')} | {names.get(last, f'`{last}`')} | "
                      + " | ".join(cells[last, a] for a in archs) + " |")
    print()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("arch", nargs="*", default=["sm_80", "sm_90a", "sm_121a"])
    parser.add_argument("--nvdisasm", default="nvdisasm")
    parser.add_argument("--opcodes", metavar="ROW", help="show what a row is made of, e.g. NVFP4__scaled__half2")
    args = parser.parse_args()
    for source, heads, tail in (("unpack_instructions.cu", "Format | what | to", UNPACK),
                                ("pack_instructions.cu", "Format | what | recipe", PACK)):
        kernels = {arch: opcodes(source, arch, args.nvdisasm) for arch in args.arch}
        if not args.opcodes:
            print_table(args.arch, kernels, heads, tail)
        elif args.opcodes + "_1" in kernels[args.arch[0]]:
            for arch in args.arch:
                more = kernels[arch][args.opcodes + "_2"].copy()
                more.subtract(kernels[arch][args.opcodes + "_1"])
                print(arch, {op: n for op, n in sorted(more.items()) if n})


main()
