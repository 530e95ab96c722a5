#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast nvq is beside what one would take instead, on one thread: bench/rivals/compare.py [--ggml FOLDER]

The others are yours to install; what is not there is left out and said so:

    ggml                  its libggml-cpu.so, as ggml's own CMake builds it (-DBUILD_SHARED_LIBS=ON -DGGML_NATIVE=ON)
    ml_dtypes, torchao    pip install numpy ml_dtypes torch torchao

nvq's figures are those of nvq_bench (./run bench builds it), which runs before the others and again after them. All take
float32 normal values; times are of the processor, medians. What the others do is not always the same: the column says.
"""
import argparse
import ctypes
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from array import array

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "host"))
from results import Case, Results, record  # noqa: E402

MIB = 64
PLACES = {"cache": 16 * 4096, "memory": MIB << 18}


def seconds(call):
    """Of one call: the median of five measurements of at least a tenth of a second."""
    call()
    runs, count = [], 1
    while len(runs) < 5:
        begun = time.process_time()
        for _ in range(count):
            call()
        took = time.process_time() - begun
        if took < 0.1 and count < 1 << 24:
            count = max(2 * count, int(0.12 / took * count) if took > 1e-4 else 0)
        else:
            runs.append(took / count)
    return statistics.median(runs)


class Rival:
    """rows: (what it does, nvq's case or None, note, seconds of `count` values)"""

    def __init__(self, name):
        self.name, self.rows = name, []

    def add(self, what, case, note, call):
        self.rows.append((what, case, note, seconds(call)))


def normal(count):
    """As many values as asked for, 64 Ki of them drawn."""
    rng = random.Random(1)
    drawn = array("f", (rng.gauss(0.0, 0.02) for _ in range(1 << 16)))
    return drawn * (count // len(drawn))


def case(what, name, recipe="-"):
    return Case(what, name, "f32", recipe)


def ggml(folder, values, place):
    path = next((os.path.join(at, "libggml-cpu.so") for at, _, names in os.walk(folder) if "libggml-cpu.so" in names),
                None)
    if path is None:
        raise OSError(f"there is no libggml-cpu.so under {folder}")
    base = os.path.join(os.path.dirname(path), "libggml-base.so")
    base = ctypes.CDLL(base, mode=ctypes.RTLD_GLOBAL)
    cpu = ctypes.CDLL(path)
    # Tables that conversions from float16 look into.
    cpu.ggml_cpu_init()
    rival, n = Rival("ggml"), ctypes.c_int64(len(values))
    source = (ctypes.c_float * len(values)).from_buffer(values)
    decoded = (ctypes.c_float * len(values))()
    packed, activations = (ctypes.create_string_buffer(2 * len(values)) for _ in range(2))
    cpu.quantize_row_q8_0(source, activations, n)
    dot = ctypes.c_float()
    for kind, name, recipe in (
        ("mxfp4", "MXFP4", "rceil"),
        ("nvfp4", "NVFP4", "transformer_engine"),
        ("q4_0", "INT4_G32", "signed_max"),
        ("q8_0", "INT8_G32", "amax"),
    ):
        note = "another rule for scales" if kind == "mxfp4" else "no tensor scale" if kind == "nvfp4" else ""
        quantize = getattr(cpu, "quantize_row_" + kind)
        dequantize = getattr(base, "dequantize_row_" + kind)
        rival.add("quantize " + kind, case("encode", name, recipe), note, lambda: quantize(source, packed, n))
        rival.add("dequantize " + kind, case("decode", name), "", lambda: dequantize(packed, decoded, n))
        if place == "cache":
            vec_dot = getattr(cpu, f"ggml_vec_dot_{kind}_q8_0")
            # One long product: calls from Python take as long as a row does.
            arguments = (ctypes.c_int(len(values)), ctypes.byref(dot), ctypes.c_size_t(0), packed, ctypes.c_size_t(0),
                         activations, ctypes.c_size_t(0), ctypes.c_int(1))
            rival.add("vec_dot " + kind, None, "with q8_0", lambda: vec_dot(*arguments))
    return rival


def ml_dtypes(values, _place):
    import ml_dtypes as types
    import numpy

    rival = Rival("ml_dtypes " + types.__version__)
    source = numpy.frombuffer(values, dtype=numpy.float32)
    decoded = numpy.empty_like(source)
    for kind, name, recipe in (
        ("float8_e4m3fn", "FP8_E4M3", "amax"),
        ("float4_e2m1fn", "MXFP4", "rceil"),
    ):
        narrow = source.astype(getattr(types, kind))
        rival.add(f"float32 to {kind}", case("encode", name, recipe), "no scales",
                  lambda: numpy.copyto(narrow, source, casting="unsafe"))
        rival.add(f"{kind} to float32", case("decode", name), "no scales",
                  lambda: numpy.copyto(decoded, narrow, casting="unsafe"))
    return rival


def torchao(values, _place):
    import torch
    import torchao as package
    from torchao.prototype.mx_formats.mx_tensor import MXTensor
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale

    torch.set_num_threads(1)
    rival = Rival(f"torchao {package.__version__}, torch {torch.__version__}")
    source = torch.frombuffer(values, dtype=torch.float32).reshape(-1, 4096)
    scale = per_tensor_amax_to_scale(source.abs().max())
    for kind, name, recipe, quantize in (
        ("NVFP4Tensor", "NVFP4", "transformer_engine", lambda: NVFP4Tensor.to_nvfp4(source, per_tensor_scale=scale)),
        ("MXTensor float4", "MXFP4", "rceil", lambda: MXTensor.to_mx(source, torch.float4_e2m1fn_x2, 32)),
        ("MXTensor float8", "MXFP8_E4M3", "rceil", lambda: MXTensor.to_mx(source, torch.float8_e4m3fn, 32)),
    ):
        rival.add("to " + kind, case("encode", name, recipe), "allocates its results", quantize)
        quantized = quantize()
        rival.add(f"{kind}.dequantize", case("decode", name), "allocates its results",
                  lambda: quantized.dequantize(torch.float32))
    return rival


def nvq(bench):
    """What nvq_bench measures of float32 now."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run(
            [bench, "--benchmark_filter=^(memcpy|(encode|decode)/[^/]*/f32)/.*/1$", "--benchmark_min_time=0.1",
             "--benchmark_repetitions=3", "--benchmark_report_aggregates_only=true", "--benchmark_out=" + out.name],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "NVQ_BENCH_MIB": str(MIB)})
        return Results(out.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ggml", metavar="FOLDER", help="where ggml was built")
    parser.add_argument("--nvq-bench", default="build/bench/bin/nvq_bench")
    parser.add_argument("--page", help="a Markdown page that gets the table, too")
    options = parser.parse_args()
    before = nvq(options.nvq_bench)
    measured = []
    for place, count in PLACES.items():
        values = normal(count)
        for make in (lambda v, p: ggml(options.ggml, v, p), ml_dtypes, torchao):
            try:
                if make not in (ml_dtypes, torchao) and options.ggml is None:
                    raise OSError("give the folder where ggml was built: --ggml FOLDER")
                rival = make(values, place)
                measured += [(place, rival.name, *row) for row in rival.rows]
            except (ImportError, OSError) as error:
                print(f"left out: {error}", file=sys.stderr)
    after = nvq(options.nvq_bench)

    def of_nvq(wanted, place):
        times = [r.times[wanted][place, 1] for r in (before, after) if wanted in r.times]
        return statistics.mean(t.seconds / t.count for t in times) if times else None

    lines = [
        before.title(), "",
        "| | | | place | ns | nvq, ns | nvq is faster by |", "|---|---|---|---|--:|--:|--:|"]
    for place, name, what, wanted, note, took in measured:
        theirs, ours = took / PLACES[place] * 1e9, wanted and of_nvq(wanted, place)
        text = f"{ours * 1e9:.3f} | {theirs / ours / 1e9:.1f}" if ours else " | "
        lines.append(f"| {name} | {what} | {note} | {place} | {theirs:.3f} | {text} |")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.page:
        record(options.page, "rivals", text)


if __name__ == "__main__":
    main()
