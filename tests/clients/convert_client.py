# SPDX-License-Identifier: Apache-2.0
"""compressed-tensors' own converters make of a checkpoint what `nvq convert --to compressed-tensors` makes of it.

ModelOptNvfp4Converter and AutoAWQConverter, tensor by tensor and bit by bit. Divisors of tensor scales may differ by an
ulp, where it takes 1 / x and nvq the neighbour whose reciprocal is x: how many do, and that ours are never the worse.
"""

import json
import sys
from pathlib import Path

from common import MODEL, Report, fresh, read, run, versions

import torch
from compressed_tensors.entrypoints.convert import AutoAWQConverter, ModelOptNvfp4Converter


def bits(t):
    return t.contiguous().view(torch.uint8) if t.dim() else t.reshape(1).view(torch.uint8)


def same(a, b):
    return a.dtype == b.dtype and a.numel() == b.numel() and torch.equal(bits(a).flatten(), bits(b).flatten())


def converter(directory: Path):
    config = json.loads((directory / "config.json").read_text())["quantization_config"]
    if config["quant_method"] == "awq":
        return AutoAWQConverter.from_autoawq_config(config)
    return ModelOptNvfp4Converter(ignore=config["ignore"], targets=[r"re:.*_proj$"])


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("compressed-tensors", "torch", "safetensors"))
    report = Report("source", "tensors", "same bits", "divisors apart", "theirs off", "ours off", "verdict")
    for stem, options in {
        "modelopt-nvfp4": ["--dialect", "modelopt", "--format", "nvfp4", "--activation-amax", "10"],
        "modelopt-w4a16": ["--dialect", "modelopt", "--format", "nvfp4"],
        "awq": ["--dialect", "awq"],
    }.items():
        source, ours = fresh(work / f"convert-{stem}"), fresh(work / f"convert-{stem}-ct")
        run(nvq, "quantize", "--quiet", MODEL, source, *options)
        run(nvq, "convert", "--quiet", source, ours, "--to", "compressed-tensors")
        before, got = read(source), read(ours)
        want = converter(source).process(dict(before))

        equal = apart = theirs_off = ours_off = 0
        for name, w in want.items():
            g = got.get(name)
            if g is not None and same(w, g):
                equal += 1
            elif g is not None and name.endswith("_global_scale"):
                apart += 1
            if g is not None and name.endswith("_global_scale"):
                module, _, which = name.rpartition(".")
                x = before[module + (".weight_scale_2" if which.startswith("weight") else ".input_scale")]
                theirs_off += (1 / w.reshape([]) != x).item()
                ours_off += (1 / g.reshape([]) != x).item()
        ok = want.keys() == got.keys() and equal + apart == len(want) and ours_off <= theirs_off
        report.row(ok, stem, len(want), equal, apart, theirs_off, ours_off)
    report.finish()


main()
