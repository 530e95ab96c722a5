# SPDX-License-Identifier: Apache-2.0
"""What examples/activations/dump_amax.py writes is what `nvq quantize` needs, for dense layers, experts and the KV cache.

The amax of some layers is measured a second time, from hidden states that the model itself returns, and `nvq verify` has
nothing to say about the result. The models with experts have random weights.
"""
import json
import subprocess
import sys
from pathlib import Path

from common import MODEL, Report, fresh, read, run, versions

import torch
from transformers import AutoModelForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

DUMP = MODEL.parent / "activations" / "dump_amax.py"


def qwen3_moe(work: Path) -> Path:
    torch.manual_seed(7)
    config = Qwen3MoeConfig(hidden_size=128, intermediate_size=256, moe_intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                            num_key_value_heads=2, head_dim=32, vocab_size=256, num_experts=4, num_experts_per_tok=2, decoder_sparse_step=1)
    directory = fresh(work / "activations-qwen3-moe")
    Qwen3MoeForCausalLM(config).to(torch.bfloat16).save_pretrained(directory)
    return directory


def last_norm(model: Path) -> float:
    """The largest input of lm_head over the first 1024 bytes of the text, in windows of 256."""
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype="auto")
    text = torch.frombuffer(bytearray((MODEL / "heldout.txt").read_bytes()[:1024]), dtype=torch.uint8).long()
    with torch.no_grad():
        return max(loaded.model(piece[None]).last_hidden_state.abs().max().item() for piece in text.split(256))


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("transformers", "torch"))
    report = Report("model", "format", "layers measured", "input scales", "kv scales", "verdict")
    for name, model in {"llama": MODEL, "qwen3_moe": qwen3_moe(work)}.items():
        table = work / f"amax-{name}.json"
        subprocess.run([sys.executable, str(DUMP), str(model), str(MODEL / "heldout.txt"), str(table), "256", "4"], check=True)
        amax = json.loads(table.read_text())
        measured = abs(amax["lm_head"] - last_norm(model)) == 0
        for format, largest in {"nvfp4": 6 * 448, "fp8": 448}.items():
            out = fresh(work / f"activations-{name}-{format}")
            run(nvq, "quantize", model, out, "--dialect", "modelopt", "--format", format, "--quiet", "--activation-amax", table, "--kv-amax", table)
            tensors = read(out)
            scales = {k.removesuffix(".input_scale"): v.item() for k, v in tensors.items() if k.endswith(".input_scale")}
            kv = [k for k in tensors if k.endswith((".k_scale", ".v_scale"))]
            # Fused layers share the largest, so no scale is below its own; down and o share with none.
            fits = all(s * largest >= amax[m] * 0.999999 for m, s in scales.items() if m in amax)
            alone = [abs(s * largest / amax[m] - 1) < 1e-6 for m, s in scales.items() if m.endswith(("down_proj", "o_proj")) and m in amax]
            clean = subprocess.run([str(nvq), "verify", str(out), "--source", str(model)], stdout=subprocess.DEVNULL).returncode == 0
            report.row(measured and fits and all(alone) and len(alone) > 0 and len(kv) > 0 and clean, name, format, len(amax), len(scales), len(kv))
    report.finish()


if __name__ == "__main__":
    main()
