# SPDX-License-Identifier: Apache-2.0
"""GPT-OSS as llm-compressor quantizes it into compressed-tensors, a module for each projection of each expert, becomes what
transformers loads by `nvq convert --to gpt-oss`: its weights are those that compressed-tensors decodes, and its logits those of the
model that llm-compressor quantized. As llm-compressor wrote it, transformers leaves out the experts; the day it does not, this fails.
"""

import json
import os
import sys
import warnings
from pathlib import Path

from common import Report, findings, fresh, read, run, versions

os.environ["LLM_COMPRESSOR_LOG_DISABLED"] = "true"
import models
import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationConfig
from llmcompressor import oneshot
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.utils import load_context
from transformers import AutoModelForCausalLM, Mxfp4Config

warnings.filterwarnings("ignore")


def quantize(source: Path, out: Path):
    """Data-free; the logits of what it made."""
    with load_context():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    ignore = ["lm_head", "re:.*router.*", "re:.*self_attn.*"]
    oneshot(model=model, recipe=QuantizationModifier(targets="Linear", scheme="MXFP4A16", ignore=ignore))
    logits = models.logits(model)
    model.save_pretrained(out, save_compressed=True)
    return logits


def decoded(directory: Path) -> dict:
    """Weights and biases of the experts by module, by compressed-tensors."""
    config = json.loads((directory / "config.json").read_text())["quantization_config"]
    scheme = QuantizationConfig.model_validate(config).config_groups["group_0"]
    compressor, t, all_ = BaseCompressor.get_value_from_registry("mxfp4-pack-quantized"), read(directory), {}
    for module in (k.removesuffix(".weight_packed") for k in t if k.endswith(".weight_packed")):
        parts = {k: t[f"{module}.{k}"] for k in ("weight_packed", "weight_scale")}
        all_[module] = (compressor.decompress(parts, scheme)["weight"].float(), t[module + ".bias"].float())
    return all_


def expert_of(model, module: str):
    """The same out of the stacks of transformers: [expert, in, out], gate in the even columns."""
    parent, number, projection = module.rsplit(".", 2)
    stack = "down_proj" if projection == "down_proj" else "gate_up_proj"
    experts = model.get_submodule(parent)
    weight, bias = getattr(experts, stack)[int(number)], getattr(experts, stack + "_bias")[int(number)]
    turn = {"gate_proj": slice(0, None, 2), "up_proj": slice(1, None, 2), "down_proj": slice(None)}[projection]
    return weight[:, turn].T, bias[turn]


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("llmcompressor", "compressed-tensors", "transformers", "torch"))
    source, theirs, ours = models.make("gpt_oss", work), fresh(work / "gpt-oss-ct"), fresh(work / "gpt-oss-from-ct")
    logits = quantize(source, theirs)
    run(nvq, "convert", "--quiet", theirs, ours, "--to", "gpt-oss")
    model = models.load(ours, quantization_config=Mxfp4Config(dequantize=True))
    want, off = decoded(theirs), 0
    for module, pair in want.items():
        off += sum(int((a != b).sum()) if a.shape == b.shape else a.numel() for a, b in zip(pair, expert_of(model, module)))
    change = float((models.logits(model) - logits).abs().max() / logits.abs().max())
    _, info = AutoModelForCausalLM.from_pretrained(theirs, output_loading_info=True)
    missing = sum("experts" in str(k) for k in info["missing_keys"])
    found = findings(nvq, ours, source)
    report = Report("expert weights", "values off", "logits off", "missing before", "findings", "verdict")
    report.row(len(want) == 24 and off == 0 and change < 1e-5 and missing > 0 and not found, len(want), off, f"{change:.2g}", missing,
               len(found))
    for line in found:
        print(" ", line)
    report.finish()


main()
