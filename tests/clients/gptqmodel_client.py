# SPDX-License-Identifier: Apache-2.0
"""GPTQModel reads what `nvq quantize` wrote: its file decoder everything it knows, its torch kernels GPTQ and AWQ.

The decoder writes a plain checkpoint in float32, which is compared tensor by tensor with `nvq dequantize`, loaded by transformers and run.
The kernels run the quantized model itself, in F16: their weights and logits are compared with those of our decoded weights in F16.
"""

import contextlib
import sys
import warnings
from pathlib import Path

from common import Report, decoded, findings, fresh, read, short, versions

import torch
from gptqmodel import BACKEND, GPTQModel
from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm
from gptqmodel.utils.model_dequant import dequantize_model

import models

warnings.filterwarnings("ignore")

DECODED = [
    ("modelopt", "nvfp4", ()),
    ("modelopt", "nvfp4", ("--activation-amax", "10")),
    ("modelopt", "mxfp8", ()),
    ("modelopt", "fp8", ("--activation-amax", "10")),
    ("modelopt", "fp8_row", ()),
    ("deepseek", "fp8_block", ()),
    ("gptq", "int4_g32", ()),
    ("gptq", "int4_g32_zp", ()),
    ("gptq_v2", "int4_g32_zp", ()),
]
# It takes zero points in version 1 from itself alone: other tools got them wrong.
RUN = [("gptq", "int4_g32"), ("gptq_v2", "int4_g32"), ("gptq_v2", "int4_g32_zp"), ("awq", "int4_g32_zp")]
# Two roundings in another order than ours differ by 2^-23 each.
TOLERANCE = 2**-22
# The kernels know 16-bit floats alone, and sum in another order than torch's own matrix product.
NOISE = 2**-8


def farthest(theirs: dict, ours: dict) -> float:
    if theirs.keys() != ours.keys():
        raise ValueError(f"tensors differ: {sorted(theirs.keys() ^ ours.keys())[:4]}")
    worst = 0.0
    for name, want in ours.items():
        got, want = theirs[name].float(), want.float()
        if got.shape != want.shape:
            raise ValueError(f"{name}: {tuple(got.shape)} and {tuple(want.shape)}")
        worst = max(worst, ((got - want).abs() / want.abs().clamp_min(1e-30)).max().item())
    return worst


def kernel_weights(model, ours: dict):
    """How many layers the kernels run, and how many of their weights are not ours rounded to F16."""
    layers = wrong = 0
    for name, m in model.named_modules():
        if not hasattr(m, "qweight"):
            continue
        weight = dequantize_gemm(m.qweight, m.qzeros, m.scales, m.bits, m.group_size) if "Awq" in type(m).__name__ else m.dequantize_weight()
        layers += 1
        wrong += int((weight.t() != ours[name + ".weight"]).sum())
    return layers, wrong


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("gptqmodel", "transformers", "torch", "safetensors"))
    report = Report("model", "dialect", "format", "findings", "largest off", "logits off", "verdict")
    for name in models.ALL[:-1]:  # GPT-OSS' stacked experts it does not know.
        source = models.make(name, work)
        for dialect, format_, options in DECODED:
            packed = work / f"gptqmodel-{name}-{dialect}-{format_}{len(options)}"
            case = format_ + (" calibrated" if options else "")
            try:
                plain = decoded(nvq, source, packed, "--dialect", dialect, "--format", format_, *options, dtype="f32")
                found = findings(nvq, packed, source)
                theirs = fresh(packed.with_name(packed.name + "-theirs"))
                with contextlib.redirect_stdout(sys.stderr):  # a progress bar
                    dequantize_model(packed, theirs, target_dtype=torch.float32)
                worst = farthest({k: v for k, v in read(theirs).items() if not k.endswith(".input_scale")}, read(plain))
                gap = (models.logits(models.load(theirs, unexpected=(".input_scale",))) - models.logits(models.load(plain))).abs().max().item()
                report.row(not found and worst <= TOLERANCE and gap < 1e-5, name, dialect, case, len(found), f"{worst:.2g}", f"{gap:.2g}")
            except Exception as error:
                report.row(False, name, dialect, case, "-", short(error))
    failed = report.failed

    print()
    report = Report("model", "dialect", "format", "kernel", "layers", "findings", "weights off", "logits off", "verdict")
    for name in (n for n in models.ALL if n not in ("mixtral", "gpt_oss")):  # It looks for experts by other names.
        source = models.make(name, work)
        for dialect, format_ in RUN:
            packed = work / f"gptqmodel-run-{name}-{dialect}-{format_}"
            backend = BACKEND.AWQ_TORCH if dialect == "awq" else BACKEND.GPTQ_TORCH
            try:
                plain = decoded(nvq, source, packed, "--dialect", dialect, "--format", format_, dtype="f16")
                found = findings(nvq, packed, source)
                with contextlib.redirect_stdout(sys.stderr):
                    model = GPTQModel.load(str(packed), backend=backend, device="cpu", dtype=torch.float16).model.eval()
                layers, wrong = kernel_weights(model, read(plain))
                gap = (models.logits(model) - models.logits(models.load(plain, dtype=torch.float16))).abs().max().item()
                report.row(not found and layers > 0 and wrong == 0 and gap < NOISE, name, dialect, format_, backend.value, layers, len(found),
                           wrong, f"{gap:.2g}")
            except Exception as error:
                report.row(False, name, dialect, format_, backend.value, short(error))
    sys.exit(1 if failed + report.failed else 0)


main()
