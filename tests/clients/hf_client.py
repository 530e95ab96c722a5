# SPDX-License-Identifier: Apache-2.0
"""The tools that own the other dialects decode what `nvq quantize` wrote, to the values `nvq dequantize` gives.

transformers loads DeepSeek's block FP8 (it decodes where there is no GPU) and unpacks GPT-OSS' MXFP4 experts;
bitsandbytes decodes its NF4 on the CPU.
"""

import json
import sys
import warnings
from pathlib import Path

from common import MODEL, Report, decoded, differing, findings, fresh, named, read, run, short, versions

import models

import bitsandbytes.functional as bnb
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, FineGrainedFP8Config, Mxfp4Config
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

warnings.filterwarnings("ignore")


def pair(nvq, work, model, name, *options):
    packed, plain = fresh(work / name), fresh(work / f"{name}-decoded")
    run(nvq, "quantize", "--quiet", model, packed, *options)
    return packed, plain


def deepseek(nvq, work):
    packed, plain = pair(nvq, work, MODEL, "deepseek", "--dialect", "deepseek")
    run(nvq, "dequantize", "--quiet", packed, plain, "--dtype", "bf16")
    theirs = AutoModelForCausalLM.from_pretrained(packed, dtype=torch.bfloat16, quantization_config=FineGrainedFP8Config(dequantize=True))
    ours = read(plain)
    named = {k: v.detach() for k, v in theirs.named_parameters()}
    missing = len(named.keys() ^ ours.keys())
    return sum(k.endswith("weight_scale_inv") for k in read(packed)), missing + sum(int((named[k] != ours[k]).sum()) for k in named.keys() & ours.keys())


def bitsandbytes(nvq, work, format_="nf4"):
    packed, plain = pair(nvq, work, MODEL, f"bitsandbytes-{format_}", "--format", format_)
    run(nvq, "dequantize", "--quiet", packed, plain, "--dtype", "bf16")
    t, ours = read(packed), read(plain)
    wrong = count = 0
    for key in [k for k in t if k.endswith(".quant_state.bitsandbytes__nf4")]:
        weight = key.removesuffix(".quant_state.bitsandbytes__nf4")
        parts = {k: v for k, v in t.items() if k.startswith(weight + ".")}
        state = bnb.QuantState.from_dict(parts, device=torch.device("cpu"))
        got = bnb.dequantize_4bit(t[weight], state)
        # In place of the bits: its CPU kernels multiply in bfloat16 where ours round once.
        wrong += int(((got.float() - ours[weight].float()).abs() > 2**-8 * ours[weight].float().abs()).sum())
        count += 1
    return count, wrong


def bitsandbytes_dq(nvq, work):
    return bitsandbytes(nvq, work, "nf4_dq")


def gpt_oss(nvq, work):
    model = fresh(work / "gpt-oss-model")
    model.mkdir(parents=True)
    torch.manual_seed(1)
    experts, hidden, inner = 4, 128, 96
    parent = "model.layers.0.mlp.experts."
    source = {
        parent + "gate_up_proj": torch.randn(experts, hidden, 2 * inner).bfloat16() * 0.02,
        parent + "down_proj": torch.randn(experts, inner, hidden).bfloat16() * 0.02,
    }
    save_file(source, model / "model.safetensors", {"format": "pt"})
    (model / "config.json").write_text(json.dumps({"model_type": "gpt_oss", "hidden_size": hidden}))
    packed, plain = pair(nvq, work, model, "gpt-oss", "--dialect", "gpt-oss")
    run(nvq, "dequantize", "--quiet", packed, plain, "--dtype", "bf16")
    t, ours = read(packed), read(plain)
    wrong = 0
    for key in source:
        got = convert_moe_packed_tensors(t[key + "_blocks"], t[key + "_scales"], dtype=torch.bfloat16)
        wrong += int((got != ours[key]).sum()) if got.shape == ours[key].shape else got.numel()
    return 2 * experts, wrong


def load_deepseek(packed):
    return models.load(packed, dtype=torch.bfloat16, quantization_config=FineGrainedFP8Config(dequantize=True))


def load_bitsandbytes(packed):
    """Its layers run; their weights are decoded here for comparison."""
    return models.load(packed, dtype=torch.bfloat16)


def load_gpt_oss(packed):
    return models.load(packed, dtype=torch.bfloat16, quantization_config=Mxfp4Config(dequantize=True))


def weights_of(model) -> dict:
    """Parameters, those of bitsandbytes decoded."""
    all_ = {}
    for k, v in model.named_parameters():
        state = getattr(v, "quant_state", None)
        all_[k] = bnb.dequantize_4bit(v.data, state) if state is not None else v.detach()
    return all_


def unequal(theirs: dict, ours: dict, rounded: bool) -> int:
    if not rounded:
        return differing(theirs, ours)
    if theirs.keys() != ours.keys():
        raise ValueError(f"tensors differ: {sorted(theirs.keys() ^ ours.keys())[:4]}")
    return sum(int(((theirs[k].float() - ours[k].float()).abs() > 2**-8 * ours[k].float().abs()).sum()) for k in ours)


# Models, how transformers loads them, whether BF16 products may be rounded twice, and how far logits may be.
ARCHITECTURES = {
    "deepseek": (models.ALL, load_deepseek, False, 0.0),
    # transformers 5 holds experts in one tensor, which bitsandbytes' layers do not know.
    "bitsandbytes": (("llama", "qwen3"), load_bitsandbytes, True, 2**-5),
    "bitsandbytes dq": (("llama", "qwen3"), load_bitsandbytes, True, 2**-5),
    "gpt-oss": (("gpt_oss",), load_gpt_oss, False, 0.0),
}


def architectures(nvq, work) -> int:
    report = Report("model", "dialect", "quantized", "findings", "weights off", "logits off", "verdict")
    for case, (names, load, rounded, noise) in ARCHITECTURES.items():
        dialect, *nested = case.split()
        for name in names:
            source = models.make(name, work)
            packed = work / f"hf-{name}-{case.replace(' ', '-')}"
            plain = decoded(nvq, source, packed, "--dialect", dialect, *(["--format", "nf4_dq"] if nested else []))
            found = findings(nvq, packed, source)
            suffixes = ("weight_scale_inv", "_blocks", "nf4")
            quantized = sum(k.endswith(suffixes) for k in read(packed))
            try:
                ours, theirs = models.load(plain, dtype=torch.bfloat16), load(packed)
                wrong = unequal(weights_of(theirs), named(ours), rounded)
                # In float32 where the weights are plain; bitsandbytes multiplies in BF16.
                if not rounded:
                    ours, theirs = ours.float(), theirs.float()
                gap = (models.logits(theirs) - models.logits(ours)).abs().max().item()
                report.row(not found and quantized > 0 and wrong == 0 and gap <= noise, name, case, quantized, len(found), wrong, f"{gap:.2g}")
            except Exception as error:
                report.row(False, name, case, quantized, len(found), short(error))
            for line in found:
                print("    " + line)
    return report.failed


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("transformers", "bitsandbytes", "torch", "safetensors"))
    report = Report("dialect", "quantized", "weights off", "verdict")
    for check in (deepseek, bitsandbytes, bitsandbytes_dq, gpt_oss):
        count, wrong = check(nvq, work)
        report.row(wrong == 0 and count > 0, check.__name__, count, wrong)
    print()
    sys.exit(1 if report.failed + architectures(nvq, work) else 0)


main()
