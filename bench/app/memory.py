#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much memory `nvq quantize` holds at most, and how much of its output `nvq verify` reads.

    bench/app/memory.py NVQ MODEL_DIR [--bounds 1G,512M] [--page docs/quantize.md]

The system's own figures: ru_maxrss of the process, and rchar of /proc/PID/io, all bytes that it asked to read (nvq maps no
files). The output goes beside MODEL_DIR and is removed.
"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "host"))
from results import record  # noqa: E402

MIB, GIB = 1 << 20, 1 << 30
# The dynamic linker and the C library read files as well.
STARTING = 1 * MIB


def run(command, accepted=(0,)):
    """Seconds, peak resident bytes and bytes read of a command that must end with one of these statuses."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with open(f"/proc/{process.pid}/io") as f:
        read = int(next(line.split()[1] for line in f if line.startswith("rchar:")))
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in accepted:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - begun, usage.ru_maxrss * 1024, read


def size(folder):
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def headers_and_scales(folder):
    """Bytes of headers, configuration and all tensors named as scales are; what verify may read."""
    total = 0
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if not name.endswith(".safetensors"):
            total += os.path.getsize(path)
            continue
        with open(path, "rb") as f:
            (length,) = struct.unpack("<Q", f.read(8))
            header = json.loads(f.read(length))
        total += 8 + length
        for tensor, entry in header.items():
            if tensor != "__metadata__" and "scale" in tensor:
                total += entry["data_offsets"][1] - entry["data_offsets"][0]
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nvq")
    parser.add_argument("model")
    parser.add_argument("--bounds", default="1G,512M", help="of --max-rss, the default first; 1G,512M")
    parser.add_argument("--page", help="a Markdown page that gets the result, too")
    args = parser.parse_args()
    model = args.model.rstrip("/")
    out = model + ".quantized"
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(out + ".partial", ignore_errors=True)
    read = size(model)
    free = shutil.disk_usage(os.path.dirname(os.path.abspath(model))).free
    if free < 0.3 * read + 4 * GIB:
        sys.exit(f"{free / GIB:.0f} GiB are free on this disk, {0.3 * read / GIB + 4:.0f} are needed")
    lines = [f"{read / GIB:.1f} GiB of BF16 into NVFP4, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}", "",
             "| `--max-rss` | most memory held | seconds | GB/s of input |", "|---|--:|--:|--:|"]
    exceeded = False
    for bound in args.bounds.split(","):
        shutil.rmtree(out, ignore_errors=True)
        seconds, peak, _ = run([args.nvq, "quantize", "--quiet", "--max-rss", bound, model, out])
        lines.append(f"| {bound} | {peak / MIB:.0f} MiB | {seconds:.0f} | {read / seconds / 1e9:.2f} |")
        exceeded = exceeded or peak > {"M": MIB, "G": GIB}[bound[-1]] * int(bound[:-1])
    seconds, peak, asked = run([args.nvq, "verify", out], accepted=(0, 1))  # zeros may be a finding
    written, needed = size(out), headers_and_scales(out)
    shutil.rmtree(out)
    lines += ["", f"`nvq verify` of the result read {asked / GIB:.2f} GiB of its {written / GIB:.1f} in {seconds:.0f} s, holding "
                  f"{peak / MIB:.0f} MiB; its headers and scales are {needed / GIB:.2f} GiB."]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.page:
        record(args.page, "memory", text)
    if exceeded:
        sys.exit("more memory than --max-rss allows")
    if asked > needed + STARTING:
        sys.exit("nvq verify read more than headers and scales")


if __name__ == "__main__":
    main()
