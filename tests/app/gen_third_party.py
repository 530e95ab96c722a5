# SPDX-License-Identifier: Apache-2.0
"""Writes tests/app/third_party/: tiny quantized checkpoints made by the packages that own the dialects.

    python gen_third_party.py OUT_DIR

made with torch 2.15.0, transformers 5.23.0, compressed-tensors 0.20.0, nvidia-modelopt 0.47.0,
bitsandbytes 0.50.2, safetensors 0.8.0, on a CPU. Random weights, seed 0. `source` is the model they come from.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

OUT = pathlib.Path(sys.argv[1])
ONLY = sys.argv[2:]


def config():
    return transformers.LlamaConfig(
        vocab_size=8, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=64, tie_word_embeddings=False,
        eos_token_id=1, bos_token_id=0)


def model():
    torch.manual_seed(0)
    m = transformers.LlamaForCausalLM(config()).to(torch.bfloat16)
    m.config.architectures = ["LlamaForCausalLM"]
    with torch.no_grad():
        for name, p in m.named_parameters():
            if p.dim() == 2:
                p.copy_(torch.randn(p.shape) * 0.05)
    return m.eval()


KEEP = ("architectures", "model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
        "num_attention_heads", "num_key_value_heads", "head_dim", "tie_word_embeddings", "rms_norm_eps",
        "eos_token_id", "bos_token_id", "quantization_config")


def write_config(out, c):
    """The keys that make the model, to keep files small; quantization_config as its package wrote it."""
    (out / "config.json").write_text(json.dumps({k: c[k] for k in KEEP if k in c}) + "\n")


def save(name, tensors, config_json):
    out = OUT / name
    out.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, out / "model.safetensors", {"format": "pt"})
    write_config(out, config_json)


def plain_config():
    c = config().to_dict()
    c["architectures"] = ["LlamaForCausalLM"]
    return json.loads(json.dumps(c, default=str))


def compressed(name, scheme):
    """The package's own preset, its compressor and its config.json entry."""
    from compressed_tensors.compressors import ModelCompressor
    from compressed_tensors.quantization import (QuantizationConfig, QuantizationStatus, apply_quantization_config,
                                                 preset_name_to_scheme)
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

    m = model()
    preset = preset_name_to_scheme(scheme, ["Linear"])
    if preset.weights.group_size == 128:
        preset.weights.group_size = 32  # rows of this model are shorter than 128
    qc = QuantizationConfig(config_groups={"group_0": preset}, ignore=["lm_head"])
    apply_quantization_config(m, qc)
    linears = {n: l for n, l in m.named_modules() if hasattr(l, "quantization_scheme")}
    groups = [["q_proj", "k_proj", "v_proj"], ["gate_proj", "up_proj"], ["o_proj"], ["down_proj"]]
    for n, l in linears.items():
        args, w = l.quantization_scheme.weights, l.weight
        strategy = str(getattr(args.strategy, "value", args.strategy))
        partners = next(g for g in groups if n.split(".")[-1] in g)
        shared = [x.weight for k, x in linears.items() if k.split(".")[-1] in partners]
        if strategy == "tensor":
            lo, hi = w.amin().reshape(1), w.amax().reshape(1)
        elif strategy == "channel":
            lo, hi = w.amin(1, keepdim=True), w.amax(1, keepdim=True)
        elif strategy == "block":
            lo, hi = w.amin().reshape(1, 1), w.amax().reshape(1, 1)  # one tile holds the whole matrix
        else:
            g = w.reshape(w.shape[0], -1, args.group_size)
            lo, hi = g.amin(-1), g.amax(-1)
        gparam = None
        if hasattr(l, "weight_global_scale"):
            gparam = generate_gparam(min(x.amin() for x in shared).reshape(1), max(x.amax() for x in shared).reshape(1))
            l.weight_global_scale.data.copy_(gparam)
        scale, zero = calculate_qparams(lo, hi, args, global_scale=gparam)
        l.weight_scale.data = scale.reshape(l.weight_scale.shape).to(l.weight_scale.dtype)
        if hasattr(l, "weight_zero_point"):
            l.weight_zero_point.data = zero.reshape(l.weight_zero_point.shape).to(l.weight_zero_point.dtype)
        if hasattr(l, "input_global_scale"):
            l.input_global_scale.data.fill_(2688 / 4.0)
        if hasattr(l, "input_scale") and l.input_scale is not None:
            l.input_scale.data.fill_(4.0 / 448)
            if hasattr(l, "input_zero_point"):
                l.input_zero_point.data.zero_()
        l.quantization_status = QuantizationStatus.FROZEN
    compressor = ModelCompressor.from_pretrained_model(m)
    compressor.compress_model(m)
    out = OUT / name
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(plain_config()))
    compressor.update_config(out)
    save(name, m.state_dict(), json.loads((out / "config.json").read_text()))


def modelopt(name, recipe):
    import modelopt.torch.quantization as mtq
    from modelopt.torch.export import export_hf_checkpoint

    m = model()
    ids = torch.arange(8).reshape(1, 8)
    mtq.quantize(m, getattr(mtq, recipe), lambda x: x(ids))
    export_hf_checkpoint(m, export_dir=OUT / name)
    for f in (OUT / name).iterdir():
        if f.name not in ("config.json", "hf_quant_config.json", "model.safetensors"):
            f.unlink()
    write_config(OUT / name, json.loads((OUT / name / "config.json").read_text()))


def bnb(name, nested):
    import bitsandbytes as b

    m = model()
    tensors = {}
    for n, t in m.state_dict().items():
        if not n.endswith("_proj.weight"):
            tensors[n] = t
            continue
        p = b.nn.Params4bit(t, requires_grad=False, quant_type="nf4", blocksize=64, compress_statistics=nested)
        p = p._quantize("cpu") if hasattr(p, "_quantize") else p.to("cpu")
        tensors[n] = p.data
        for k, v in p.quant_state.as_dict(packed=True).items():
            tensors[f"{n}.{k}"] = v
    c = plain_config()
    c["quantization_config"] = transformers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=nested,
        bnb_4bit_compute_dtype="bfloat16").to_dict()
    save(name, tensors, json.loads(json.dumps(c, default=str)))


def main():
    jobs = {
        "source": lambda: save("source", model().state_dict(), plain_config()),
        "ct-nvfp4": lambda: compressed("ct-nvfp4", "NVFP4"),
        "ct-mxfp4": lambda: compressed("ct-mxfp4", "MXFP4A16"),
        "ct-mxfp8": lambda: compressed("ct-mxfp8", "MXFP8"),
        "ct-fp8": lambda: compressed("ct-fp8", "FP8"),
        "ct-fp8-dynamic": lambda: compressed("ct-fp8-dynamic", "FP8_DYNAMIC"),
        "ct-fp8-block": lambda: compressed("ct-fp8-block", "FP8_BLOCK"),
        "ct-w4a16": lambda: compressed("ct-w4a16", "W4A16"),
        "ct-w4a16-asym": lambda: compressed("ct-w4a16-asym", "W4A16_ASYM"),
        "ct-w8a8": lambda: compressed("ct-w8a8", "W8A8"),
        "modelopt-nvfp4": lambda: modelopt("modelopt-nvfp4", "NVFP4_DEFAULT_CFG"),
        "modelopt-fp8": lambda: modelopt("modelopt-fp8", "FP8_DEFAULT_CFG"),
        "modelopt-fp8-row": lambda: modelopt("modelopt-fp8-row", "FP8_PER_CHANNEL_PER_TOKEN_CFG"),
        "modelopt-mxfp8": lambda: modelopt("modelopt-mxfp8", "MXFP8_DEFAULT_CFG"),
        "bnb-nf4": lambda: bnb("bnb-nf4", False),
        "bnb-nf4-dq": lambda: bnb("bnb-nf4-dq", True),
    }
    for name, job in jobs.items():
        if ONLY and name not in ONLY:
            continue
        job()
        print(name)


main()
