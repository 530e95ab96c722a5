# SPDX-License-Identifier: Apache-2.0
"""NVIDIA Model Optimizer decodes what `nvq quantize --dialect modelopt` wrote, to the values we decode.

Tensor by tensor with its own quantized-tensor classes, in float32. Its configuration converter also has to make of our
hf_quant_config.json what we wrote into config.json.
"""

import json
import shutil
import sys
from pathlib import Path

from common import MODEL, Report, decoded, findings, fresh, read, run, versions

import models
import torch
from modelopt.torch.export.convert_hf_config import convert_hf_quant_config_format
from modelopt.torch.quantization.qtensor import FP8QTensor, MXFP8QTensor, NVFP4QTensor
from safetensors.torch import save_file


def nvfp4(shape, t, p):
    q = NVFP4QTensor(shape, torch.float32, t[p + "weight"])
    return q.dequantize(scale=t[p + "weight_scale"], double_scale=t[p + "weight_scale_2"], block_sizes={-1: 16})


def mxfp8(shape, t, p):
    return MXFP8QTensor(shape, torch.float32, t[p + "weight"]).dequantize(scale=t[p + "weight_scale"])


def fp8(shape, t, p):
    return FP8QTensor(shape, torch.float32, t[p + "weight"]).dequantize(scale=t[p + "weight_scale"])


def fp8_row(shape, t, p):
    return FP8QTensor(shape, torch.float32, t[p + "weight"]).dequantize(scale=t[p + "weight_scale"][:, None], block_sizes={-1: shape[1]})


def fp8_block(shape, t, p):
    scale = t[p + "weight_scale"].squeeze(3).squeeze(1)
    return FP8QTensor(shape, torch.float32, t[p + "weight"]).dequantize(scale=scale, block_sizes={-1: 128, -2: 128})


CASES = {"nvfp4": nvfp4, "nvfp4:modelopt": nvfp4, "nvfp4:mse": nvfp4, "nvfp4:calibrated": nvfp4, "mxfp8": mxfp8, "fp8:calibrated": fp8,
         "fp8_row": fp8_row, "fp8_block": fp8_block}


def quantizer_bytes(source, t, p, group):
    """Whether Model Optimizer's own quantizer makes the same bytes of the source weight, given the group's amax."""
    amax = max(source[g + ".weight"].float().abs().max() for g in group)
    q, scale, scale_2 = NVFP4QTensor.quantize(source[p + "weight"].float(), 16, None, amax / (6.0 * 448.0))
    return (
        torch.equal(q._quantized_data, t[p + "weight"])
        and torch.equal(scale.view(torch.uint8), t[p + "weight_scale"].view(torch.uint8))
        and torch.equal(scale_2, t[p + "weight_scale_2"])
    )


def architectures(nvq: Path, work: Path) -> int:
    """The tiny models; their logits with what Model Optimizer decodes, in float32."""
    report = Report("model", "format", "quantized", "findings", "largest off", "logits off", "verdict")
    for name in models.ALL:
        source = models.make(name, work)
        for case, dequantize in CASES.items():
            format_, _, recipe = case.partition(":")
            if recipe in ("modelopt", "mse"):
                continue
            packed = work / f"modelopt-{name}-{case.replace(':', '-')}"
            options = ["--activation-amax", "10"] if recipe else []
            plain = decoded(nvq, source, packed, "--format", format_, "--dialect", "modelopt", *options, dtype="f32")
            found = findings(nvq, packed, source)
            t, ours = read(packed), read(plain)
            theirs = dict(ours)
            quantized = [k.removesuffix("weight_scale") for k in t if k.endswith(".weight_scale")]
            for p in quantized:
                theirs[p + "weight"] = dequantize(ours[p + "weight"].shape, t, p).contiguous()
            worst = max(((theirs[k] - ours[k]).abs() / ours[k].abs().clamp_min(1e-30)).max().item() for k in ours)
            other = fresh(packed.with_name(packed.name + "-theirs"))
            shutil.copytree(plain, other, ignore=shutil.ignore_patterns("*.safetensors*"))
            save_file(theirs, other / "model.safetensors", {"format": "pt"})
            gap = (models.logits(models.load(other)) - models.logits(models.load(plain))).abs().max().item()
            report.row(not found and worst <= 2**-22 and gap < 1e-5 and len(quantized) > 0, name, case, len(quantized), len(found), f"{worst:.2g}",
                       f"{gap:.2g}")
            for line in found:
                print("    " + line)
    return report.failed


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("nvidia-modelopt", "torch", "safetensors"))
    source = read(MODEL)
    report = Report("format", "quantized", "largest off", "configuration", "its bytes", "verdict")
    for case, dequantize in CASES.items():
        name, _, recipe = case.partition(":")
        options = ["--activation-amax", "10"] if recipe == "calibrated" else ["--recipe", recipe] if recipe else []
        stem = f"modelopt-{name}-{recipe or 'default'}"
        packed, plain = fresh(work / stem), fresh(work / f"{stem}-decoded")
        run(nvq, "quantize", "--quiet", MODEL, packed, "--format", name, "--dialect", "modelopt", *options)
        run(nvq, "dequantize", "--quiet", packed, plain, "--dtype", "f32")
        t, ours = read(packed), read(plain)

        worst, count, same = 0.0, 0, 0
        for scale_name in (k for k in t if k.endswith(".weight_scale")):
            p = scale_name.removesuffix("weight_scale")
            want = ours[p + "weight"]
            got = dequantize(want.shape, t, p)
            worst = max(worst, ((got - want).abs() / want.abs().clamp_min(1e-30)).max().item())
            count += 1
            if recipe == "modelopt":
                base = p[: p[:-1].rindex(".") + 1]
                fused = [base + m for g in (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")) if p[len(base) : -1] in g for m in g]
                same += quantizer_bytes(source, t, p, fused or [p[:-1]])

        flat = json.loads((packed / "config.json").read_text())["quantization_config"]
        nested = json.loads((packed / "hf_quant_config.json").read_text())
        theirs = convert_hf_quant_config_format(nested)
        config_ok = all(flat.get(k) == v for k, v in theirs.items())
        bytes_ok = same == count if recipe == "modelopt" else None
        # value = (code * scale) * scale_2 here, code * (scale * scale_2) there: two roundings may differ by 2^-23 each.
        report.row(worst <= 2**-22 and count > 0 and config_ok and bytes_ok is not False, case, count, f"{worst:.2g}",
                   "same" if config_ok else "differs", {None: "-", True: f"{same} of {count}", False: f"{same} of {count}"}[bytes_ok])
    print()
    sys.exit(1 if report.failed + architectures(nvq, work) else 0)


main()
