#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions a value of the kernels in `cuobjdump -sass OBJECT`, for the predictions in docs/benchmarks.md.

usage: cuobjdump -sass dequantize.o | instructions.py

Counts what lies between the first and the last vector access of a kernel whose threads have runs of 16 values, less
what is there for rows' ends and unaligned rows (around narrow accesses). Loops of recipes that search are counted
once, kernels without vector accesses not at all, so it is an estimate of the instructions that are issued.
"""
import re
import subprocess
import sys

RUN = 16


def kernels(lines):
    name, code = None, []
    for line in lines:
        found = re.search(r"Function : (\S+)", line)
        if found:
            if name:
                yield name, code
            name, code = found.group(1), []
        found = re.match(r"\s+/\*[0-9a-f]{4,5}\*/\s+(.*);", line)
        if found:
            code.append(found.group(1))
    if name:
        yield name, code


def per_value(code):
    loads = [i for i, text in enumerate(code) if re.search(r"LDG\.E\.(64|128)", text)]
    stores = [i for i, text in enumerate(code) if re.search(r"STG\.E\.(64|128)", text)]
    if not loads or not stores or stores[-1] < loads[0]:
        return None
    zones = []
    for i in range(loads[0], stores[-1]):
        if re.search(r"(STG|LDG)\.E\.U(8|16)|STG\.E desc", code[i]):
            if zones and i - zones[-1][1] < 30:
                zones[-1][1] = i
            else:
                zones.append([i, i])
    left_out = sum(last - first + 1 for first, last in zones)
    return (stores[-1] - loads[0] + 1 - left_out) / RUN


def main():
    for name, code in kernels(sys.stdin):
        count = per_value(code)
        if count is not None:
            plain = subprocess.run(["c++filt", "-p", name], capture_output=True, text=True).stdout.strip()
            plain = re.sub(r"nvq::v0::|cuda::|detail::|kernel_entry", "", plain)
            print(f"{count:6.1f}  {plain}")


main()
