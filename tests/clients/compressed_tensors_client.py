# SPDX-License-Identifier: Apache-2.0
"""transformers and compressed-tensors load what `nvq quantize` wrote, and compute the logits of our decoded weights.

For every format: quantize the shared model, load it with AutoModelForCausalLM (compressed-tensors decompresses it), load
what `nvq dequantize` made of the same checkpoint as a plain model, and compare all weights and the logits of a window of
the held-out text. compressed-tensors unpacks FP4, FP6 and MXFP8 to BF16 whatever the model's type, so there we compare
with our values rounded to BF16. Then compressed-tensors' own file converter, which insists on every tensor of a module and on no
other, decodes the directory again without transformers.
"""

import sys
import warnings
from pathlib import Path

from common import DTYPES, MODEL, Report, fresh, model_in, read, run, versions

import torch
from compressed_tensors.entrypoints.convert import CompressedTensorsDequantizer, convert_checkpoint
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
WINDOW = torch.tensor([list((MODEL / "heldout.txt").read_bytes()[:256])])


def logits(model):
    model.eval()
    with torch.no_grad():
        return model(WINDOW).logits.float()


def load(directory, dtype, **options):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=DTYPES[dtype], **options)


def differing(a: dict, b: dict) -> int:
    """How many weights differ; names must be the same."""
    if a.keys() != b.keys():
        raise ValueError(f"tensors differ: {sorted(a.keys() ^ b.keys())[:4]}")
    return sum(int((a[k].float() != b[k].float()).sum()) for k in a)


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("transformers", "compressed-tensors", "torch", "safetensors"))
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
    report.finish()


main()
