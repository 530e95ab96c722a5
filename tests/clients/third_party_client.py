# SPDX-License-Identifier: Apache-2.0
"""The other direction: the owners' own tools quantize the tiny models, and nvq reads what they wrote.

`nvq verify` must find nothing, against the model it was made from as well, `nvq inspect` must know all of it, and `nvq dequantize` must
give the values that the owner's decoder gives: in float32, or in BF16 where that is what it gives. One finding is right: llm-compressor 0.14 does
not share the NVFP4 divisor between gate and up of an expert, nor between the low-rank projections of MLA, as engines need it (V3).
GPTQModel quantizes by its algorithms, on tokens, on the CPU; AWQ it decodes with its kernel, in F16, since its decoder of files takes AWQ's
columns in another order.
"""

import contextlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

from common import Report, findings, fresh, read, run, short, versions

os.environ["LLM_COMPRESSOR_LOG_DISABLED"] = "true"
# It asks for two workers to load a model, and on two cores has one.
os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
import bitsandbytes.functional as bnb
import models
import modelopt.torch.quantization as mtq
import torch
from compressed_tensors.entrypoints.convert import CompressedTensorsDequantizer, convert_checkpoint
from llmcompressor import model_free_ptq
from modelopt.torch.export import export_hf_checkpoint
from modelopt.torch.quantization.qtensor import FP8QTensor, MXFP8QTensor, NVFP4QTensor
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

warnings.filterwarnings("ignore")


def by_modelopt(recipe):
    def write(name, source, out):
        model = models.build(name)
        # Experts that meet no token would have no scales: a long batch reaches all.
        tokens = torch.arange(1024).reshape(8, 128) % 256
        mtq.quantize(model, getattr(mtq, recipe), lambda m: m(tokens))
        export_hf_checkpoint(model, export_dir=out)

    return write


def modelopt_values(out):
    t = read(out)
    for key in [k for k in t if k.endswith(".weight_scale")]:
        name = key.removesuffix("_scale")
        weight, scale = t[name], t[key]
        if name + "_scale_2" in t:
            shape = (weight.shape[0], weight.shape[1] * 2)
            value = NVFP4QTensor(shape, torch.float32, weight).dequantize(scale=scale, double_scale=t[name + "_scale_2"], block_sizes={-1: 16})
        elif scale.dtype == torch.uint8:
            value = MXFP8QTensor(weight.shape, torch.float32, weight).dequantize(scale=scale)
        elif scale.dim() == 1 and scale.numel() > 1:
            value = FP8QTensor(weight.shape, torch.float32, weight).dequantize(scale=scale[:, None], block_sizes={-1: weight.shape[1]})
        else:
            value = FP8QTensor(weight.shape, torch.float32, weight).dequantize(scale=scale)
        yield name, value


def by_llmcompressor(scheme):
    def write(name, source, out):
        routers = [] if name in DENSE else [r"re:.*block_sparse_moe\.gate$" if name == "mixtral" else r"re:.*mlp\.gate$"]
        model_free_ptq(str(source), str(out), scheme, ignore=["lm_head", "model.embed_tokens", *routers], max_workers=1, device="cpu")

    return write


def compressed_tensors_values(out):
    converted = fresh(out.with_name(out.name + "-converted"))
    convert_checkpoint(str(out), str(converted), CompressedTensorsDequantizer(str(out), ["re:.*norm$"], torch.bfloat16))
    t = read(out)
    for name, value in read(converted).items():
        if name + "_scale" in t:
            yield name, value.float()


def by_bitsandbytes(nested):
    def write(name, source, out):
        config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=nested,
                                    bnb_4bit_compute_dtype=torch.bfloat16)
        AutoModelForCausalLM.from_pretrained(source, quantization_config=config, dtype=torch.bfloat16, device_map="cpu").save_pretrained(out)

    return write


def bitsandbytes_values(out):
    t = read(out)
    for key in [k for k in t if k.endswith(".quant_state.bitsandbytes__nf4")]:
        name = key.removesuffix(".quant_state.bitsandbytes__nf4")
        state = bnb.QuantState.from_dict({k: v for k, v in t.items() if k.startswith(name + ".")}, device=torch.device("cpu"))
        state.dtype = torch.float32
        yield name, bnb.dequantize_4bit(t[name], state)


# It changes transformers and prints when it is imported, so the writers before it come without.
def by_gptqmodel(**options):
    def write(name, source, out):
        from gptqmodel import GPTQModel, QuantizeConfig

        # It leaves a folder of logs where it runs.
        with contextlib.chdir(out.parent):
            torch.manual_seed(0)
            tokens = [((torch.arange(128) * (i + 3) + i) % 256).reshape(1, 128) for i in range(16)]
            model = GPTQModel.load(str(source), QuantizeConfig(bits=4, group_size=32, device="cpu", **options), dtype=torch.bfloat16)
            model.quantize([{"input_ids": t, "attention_mask": torch.ones_like(t)} for t in tokens], batch_size=1)
            model.save(str(out))

    return write


def gptqmodel_values(out):
    from gptqmodel.utils.model_dequant import dequantize_model

    theirs = fresh(out.with_name(out.name + "-theirs"))
    dequantize_model(out, theirs, target_dtype=torch.float32)
    quantized = [k.removesuffix("qweight") + "weight" for k in read(out) if k.endswith(".qweight")]
    t = read(theirs)
    for name in quantized:
        yield name, t[name]


def awq_kernel_values(out):
    from gptqmodel import BACKEND, GPTQModel
    from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm

    model = GPTQModel.load(str(out), backend=BACKEND.AWQ_TORCH, device="cpu", dtype=torch.float16).model
    for name, m in model.named_modules():
        if hasattr(m, "qweight"):
            yield name + ".weight", dequantize_gemm(m.qweight, m.qzeros, m.scales, m.bits, m.group_size).t().float()


DENSE, EXPERTS = ("llama", "qwen3"), ("qwen3_moe", "mixtral", "deepseek_v3")
# What the owner's decoder gives, where that is not float32.
DTYPES = {compressed_tensors_values: "bf16", awq_kernel_values: "f16"}
WRITERS = [
    ("modelopt NVFP4", by_modelopt("NVFP4_DEFAULT_CFG"), modelopt_values, DENSE + EXPERTS),
    ("modelopt FP8", by_modelopt("FP8_DEFAULT_CFG"), modelopt_values, DENSE + EXPERTS),
    ("modelopt FP8 rows", by_modelopt("FP8_PER_CHANNEL_PER_TOKEN_CFG"), modelopt_values, DENSE),
    ("modelopt MXFP8", by_modelopt("MXFP8_DEFAULT_CFG"), modelopt_values, DENSE + EXPERTS),
    *[(f"llm-compressor {scheme}", by_llmcompressor(scheme), compressed_tensors_values, DENSE + EXPERTS)
      for scheme in ("NVFP4A16", "MXFP4A16", "MXFP8A16", "FP8_DYNAMIC", "W8A8")],
    *[(f"llm-compressor {scheme}", by_llmcompressor(scheme), compressed_tensors_values, DENSE + EXPERTS[:2]) for scheme in ("FP8_BLOCK", "W4A16")],
    ("bitsandbytes NF4", by_bitsandbytes(False), bitsandbytes_values, DENSE),
    ("bitsandbytes NF4, nested", by_bitsandbytes(True), bitsandbytes_values, DENSE),
    ("GPTQModel GPTQ", by_gptqmodel(), gptqmodel_values, (*DENSE, "qwen3_moe", "deepseek_v3")),
    ("GPTQModel GPTQ, zeros", by_gptqmodel(sym=False), gptqmodel_values, DENSE),
    ("GPTQModel GPTQ v2", by_gptqmodel(sym=False, format="gptq_v2"), gptqmodel_values, DENSE),
    ("GPTQModel AWQ", by_gptqmodel(quant_method="awq", format="gemm"), awq_kernel_values, DENSE),
]


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    print(versions("nvidia-modelopt", "llmcompressor", "compressed-tensors", "bitsandbytes", "gptqmodel", "transformers", "torch"))
    report = Report("model", "written by", "quantized", "findings", "largest off", "verdict")
    for writer, write, values, names in WRITERS:
        for name in names:
            out = fresh(work / f"theirs-{name}-{writer.replace(' ', '-').replace(',', '')}")
            try:
                source = models.make(name, work)
                with contextlib.redirect_stdout(sys.stderr):
                    write(name, source, out)
                found = findings(nvq, out, source)
                plain = fresh(out.with_name(out.name + "-decoded"))
                run(nvq, "dequantize", "--quiet", out, plain, "--dtype", DTYPES.get(values, "f32"))
                ours, worst, quantized = read(plain), 0.0, 0
                with contextlib.redirect_stdout(sys.stderr):
                    theirs = dict(values(out))
                for tensor, want in theirs.items():
                    worst = max(worst, ((ours[tensor].float() - want).abs() / want.abs().clamp_min(1e-30)).max().item())
                    quantized += 1
                left = set(ours) ^ set(read(source))
                known = "note" not in subprocess.run([str(nvq), "inspect", str(out)], capture_output=True, text=True).stdout
                right = [f for f in found if not (f.startswith("V3 ") and writer == "llm-compressor NVFP4A16")]
                report.row(not right and not left and known and quantized > 0 and worst <= 2**-22, name, writer, quantized, len(found), f"{worst:.2g}")
                for line in found[:2] + sorted(left)[:3]:
                    print("    " + line)
            except Exception as error:
                report.row(False, name, writer, short(error))
    report.finish()


main()
