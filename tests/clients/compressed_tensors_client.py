# SPDX-License-Identifier: Apache-2.0
"""transformers and compressed-tensors load what `nvq quantize` wrote, and compute the logits of our decoded weights.

For every format: quantize the shared model, load it with AutoModelForCausalLM (compressed-tensors decompresses it), load
what `nvq dequantize` made of the same checkpoint as a plain model, and compare all weights and the logits of a window of
the held-out text. compressed-tensors unpacks FP4, FP6 and MXFP8 to BF16 whatever the model's type, so there we compare
with our values rounded to BF16. Then compressed-tensors' own file converter, which insists on every tensor of a module and on no
other, decodes the directory again without transformers.
"""

import json
import sys
import warnings
from pathlib import Path

import models
from common import DTYPES, MODEL, Report, decoded, differing, findings, fresh, model_in, named, read, run, short, versions

import torch
from compressed_tensors.entrypoints.convert import CompressedTensorsDequantizer, convert_checkpoint
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, CompressedTensorsConfig

warnings.filterwarnings("ignore")

CASES = [
    ("nvfp4", "bf16"), ("nvfp4:mse", "bf16"), ("nvfp4:modelopt", "bf16"), ("nvfp4", "f16"), ("nvfp4", "f32"),
    ("mxfp4", "bf16"), ("mxfp6", "bf16"), ("mxfp8", "bf16"),
    ("fp8", "bf16"), ("fp8", "f32"), ("fp8_row", "bf16"), ("fp8_block", "bf16"),
    ("int8", "bf16"), ("int4", "bf16"), ("int4", "f16"), ("int4", "f32"), ("int4_g32", "bf16"), ("int4_row", "bf16"),
    ("int4_zp", "bf16"), ("int4_g32_zp", "f16"), ("rules", "bf16"),
]
RULES = "*.self_attn.* = fp8_row\n*.1.mlp.* = keep\n*.2.mlp.* = int4_zp\n"
ARCHITECTURE_CASES = ("nvfp4", "nvfp4:calibrated", "mxfp4", "mxfp6", "mxfp8", "fp8", "fp8:calibrated", "fp8_row", "fp8_block", "int8", "int4_g32",
                      "int4_row", "int4_g32_zp")
INPUT_SCALES = (".input_scale", ".input_global_scale")
MIXTURES = ("qwen3_moe", models.STACKED, "mixtral", "deepseek_v3")
# transformers 5.23 decodes experts without their tensor's divisor (issue 48371), and without zero points, blocks or MXFP8's groups.
MIXTURES_MISREAD = ("nvfp4", "mxfp8", "fp8_block", "int8", "int4_g32_zp")
# What its dependency check takes for linear layers unless told.
NOT_LINEAR = ["re:.*norm$"]
WINDOW = torch.tensor([list((MODEL / "heldout.txt").read_bytes()[:256])])


def logits(model):
    model.eval()
    with torch.no_grad():
        return model(WINDOW).logits.float()


def load(directory, dtype, **options):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=DTYPES[dtype], **options)


def shared_model(nvq: Path, work: Path) -> int:
    report = Report("format", "source", "quantized", "weights off", "converter off", "logits off", "nats/byte", "verdict")
    for case, dtype in CASES:
        name, _, recipe = case.partition(":")
        stem = f"{name}-{recipe or 'default'}-{dtype}"
        packed, plain, converted = (fresh(work / f"{stem}{s}") for s in ("", "-decoded", "-converted"))
        options = ["--format", name, *(["--recipe", recipe] if recipe else [])]
        if name == "rules":
            (work / "rules").write_text(RULES)
            options = ["--rules", work / "rules"]
        run(nvq, "quantize", "--quiet", model_in(dtype, work), packed, *options)
        through = "bf16" if name in ("nvfp4", "mxfp4", "mxfp6", "mxfp8", "rules") else dtype
        run(nvq, "dequantize", "--quiet", packed, plain, "--dtype", through)

        ours = load(plain, dtype)
        # transformers decompresses all dense layers by one scheme, so several are for the converter alone.
        several = name == "rules"
        theirs = ours if several else load(packed, dtype, quantization_config=CompressedTensorsConfig(dequantize=True))
        ours_named = {k: v.detach() for k, v in ours.named_parameters()}
        wrong = differing(ours_named, {k: v.detach() for k, v in theirs.named_parameters()})
        a, b = logits(ours), logits(theirs)
        gap = (a - b).abs().max().item()
        nats = torch.nn.functional.cross_entropy(b[0, :-1], WINDOW[0, 1:]).item()

        # Its dependency check takes the one-dimensional norms for linear layers unless told.
        convert_checkpoint(str(packed), str(converted), CompressedTensorsDequantizer(str(packed), ["re:.*norm$"], DTYPES[dtype]))
        decoded = read(converted)
        missing = len(ours_named.keys() ^ decoded.keys())
        far = missing + sum(int((decoded[k].float() != ours_named[k].to(decoded[k].dtype).float()).sum()) for k in decoded)

        quantized = sum(k.endswith("weight_scale") for k in read(packed))
        report.row(wrong == 0 and gap == 0.0 and far == 0 and quantized > 0, case, dtype, quantized,
                   "-" if several else wrong, far, "-" if several else f"{gap:g}", f"{nats:.4f}")
    return report.failed


def without_input_scales(packed: Path, plain: Path) -> Path:
    """What the converter takes: calibrated scales of activations are left over for it, in its own checkpoints as well."""
    copy = fresh(packed.with_name(packed.name + "-weights"))
    copy.mkdir()
    config = json.loads((packed / "config.json").read_text())
    config["quantization_config"]["config_groups"]["group_0"]["input_activations"] = None
    (copy / "config.json").write_text(json.dumps(config))
    save_file({k: v for k, v in read(packed).items() if not k.endswith(INPUT_SCALES)}, copy / "model.safetensors", {"format": "pt"})
    return copy


def by_transformers(packed: Path, ours, calibrated: bool):
    """Weights that differ, and the largest difference of a logit; or why it cannot load the model."""
    try:
        theirs = models.load(packed, dtype=torch.bfloat16, quantization_config=CompressedTensorsConfig(dequantize=True),
                             unexpected=INPUT_SCALES if calibrated else ())
        wrong = differing(named(ours), named(theirs))
        return wrong, (models.logits(ours) - models.logits(theirs.float())).abs().max().item()
    except (RuntimeError, ValueError, KeyError) as error:
        print(packed, short(error), file=sys.stderr)
        return "fails", "-"


class Dequantizer(CompressedTensorsDequantizer):
    """Its own cannot save a matrix with a partial tile of block FP8: it is cut out of a larger one, and not contiguous."""

    def process(self, tensors):
        return {k: v.contiguous() for k, v in super().process(tensors).items()}


def by_converter(packed: Path, ours, plain: Path, calibrated: bool):
    converted = fresh(packed.with_name(packed.name + "-converted"))
    source = without_input_scales(packed, plain) if calibrated else packed
    convert_checkpoint(str(source), str(converted), Dequantizer(str(source), NOT_LINEAR, torch.bfloat16))
    wrong = differing(read(plain), read(converted))
    return wrong, (models.logits(ours) - models.logits(models.load(converted))).abs().max().item()


def architectures(nvq: Path, work: Path) -> int:
    """The tiny models in every format, loaded in BF16 and run in float32."""
    report = Report("model", "format", "quantized", "findings", "transformers", "logits off", "converter", "logits off", "verdict")
    for name in models.ALL:
        source = models.make(name, work)
        for case in ARCHITECTURE_CASES:
            format_, _, calibrated = case.partition(":")
            packed = work / f"ct-{name}-{case.replace(':', '-')}"
            plain = decoded(nvq, source, packed, "--format", format_, *(["--activation-amax", "10"] if calibrated else []))
            found = findings(nvq, packed, source)
            quantized = sum(k.endswith("weight_scale") for k in read(packed))
            ours = models.load(plain, dtype=torch.bfloat16).float()
            wrong, gap = by_transformers(packed, ours, bool(calibrated))
            far, far_gap = by_converter(packed, ours, plain, bool(calibrated))
            known = name in MIXTURES and format_ in MIXTURES_MISREAD
            ok = not found and quantized > 0 and far == 0 and far_gap == 0 and (known or (wrong == 0 and gap == 0))
            gap = gap if gap == "-" else f"{gap:.2g}"
            report.row(ok, name, case, quantized, len(found), wrong, gap, far, f"{far_gap:.2g}")
            for line in found:
                print("    " + line)
    return report.failed


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("transformers", "compressed-tensors", "torch", "safetensors"))
    failed = shared_model(nvq, work)
    print()
    failed += architectures(nvq, work)
    sys.exit(1 if failed else 0)


main()
