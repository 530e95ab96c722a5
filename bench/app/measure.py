#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long `nvq quantize` takes beside `cp` of the same checkpoint, in alternation, page cache warm.

    bench/app/measure.py NVQ MODEL_DIR [--rounds 3] [-- options of nvq quantize]

Copies and quantized checkpoints go beside MODEL_DIR and are removed. `nvq quantize` returns when its output is on the
disk, `cp` when it is in memory; the time of `cp` with a sync of its files is told, too.
"""
import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "host"))
from results import record  # noqa: E402


def files(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def size(folder):
    return sum(os.path.getsize(path) for path in files(folder))


def warm(folder):
    for path in files(folder):
        with open(path, "rb", buffering=0) as f:
            while f.read(1 << 24):
                pass


def sync_files(folder):
    for path in files(folder):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)


def timed(command):
    """Seconds on the clock, and of processors."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processor():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nvq")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", help="a Markdown page that gets the result, too")
    parser.add_argument("options", nargs="*", help="of nvq quantize")
    args = parser.parse_args()
    model = args.model.rstrip("/")
    copy, out = model + ".copy", model + ".quantized"
    for folder in (copy, out):
        shutil.rmtree(folder, ignore_errors=True)
    warm(model)
    copied, synced, quantized = [], [], []
    for _ in range(args.rounds):
        os.sync()  # what the round before left to be written is not this one's
        copied.append(timed(["cp", "-r", model, copy]))
        begun = time.perf_counter()
        sync_files(copy)
        synced.append(copied[-1][0] + time.perf_counter() - begun)
        shutil.rmtree(copy)
        os.sync()
        quantized.append(timed([args.nvq, "quantize", "--quiet", *args.options, model, out]))
        written = size(out)
        shutil.rmtree(out)
    read = size(model)
    cp, nvq = (statistics.median(wall for wall, _ in times) for times in (copied, quantized))
    lines = [
        f"{processor()}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}; "
        f"{read / 2**30:.2f} GiB in, {written / 2**30:.2f} GiB out, medians of {args.rounds} {' '.join(args.options)}".strip(),
        "",
        "| | seconds | of all processors | GB/s of input |",
        "|---|--:|--:|--:|",
    ]
    for name, seconds, times in (
        ("cp", cp, copied),
        ("cp and sync", statistics.median(synced), []),
        ("nvq quantize", nvq, quantized),
    ):
        cpu = f"{statistics.median(c for _, c in times):.2f}" if times else ""
        lines.append(f"| {name} | {seconds:.2f} | {cpu} | {read / seconds / 1e9:.2f} |")
    lines += ["", f"`nvq quantize` runs at **{cp / nvq:.2f}** of the speed of `cp`, and at "
                  f"{statistics.median(synced) / nvq:.2f} of that of `cp` and sync."]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if args.page:
        record(args.page, "app", text)


if __name__ == "__main__":
    main()
