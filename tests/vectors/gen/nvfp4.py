# SPDX-License-Identifier: Apache-2.0
"""Writes nvfp4_inputs.safetensors, and per recipe nvfp4_<recipe>.safetensors made by its owner's own code.

Tensors are named <case>.codes (U8 [rows, columns/2], even column in the low nibble), <case>.scales (U8, bits of
E4M3, [rows, columns/16], or [rows/16, columns/16] for 16x16 tiles), <case>.decode_scale, <case>.encode_scale or
<case>.amax (F32, what the owner stores), and for some cases <case>.decoded (F32, by the owner's decoder). In the
inputs, <case>.amax is the amax to encode against where it is not the tensor's own.

    pip install -r requirements-nvfp4.txt && python nvfp4.py [--out DIRECTORY] [RECIPE ...]
"""

import argparse
import pathlib

import torch
from safetensors.torch import save_file

import nvfp4_inputs
import nvfp4_owners as owners

# Cases an owner cannot take, beside those in which it makes every scale NaN: 1536/amax overflows, codes are cast NaNs.
UNDEFINED = {("fouroversix", "tiny_1e37"), ("fouroversix", "subnormal")}
DECODED = ("wide", "ties_odd", "shared_amax", "zero_blocks", "tiny_1e35", "huge")
BLOCKS = ("student_t",)

TE = "transformer_engine"
TE_NOTE = (
    "NVFP4QuantizerRef of pytorch/custom_recipes/reference_nvfp4.py, its kernels' reference; has no decoder"
)
FOS_NOTE = (
    "PyTorch reference. Codes are not clamped to 6: where a scale was rounded down far enough it writes nibble 8 or 0"
    " for a value that belongs to 6"
)
CT_NOTE = "generate_gparam, calculate_qparams and NVFP4PackedCompressor; decoded by dequantize() in float32"


def te_4over6(error, e4m3_max, tile_rows=1):
    return lambda: owners.transformer_engine(
        tile_rows, nvfp4_use_4over6=True, nvfp4_e4m3_max=e4m3_max, nvfp4_4over6_err_mode=error
    )


RECIPES = {
    "transformer_engine": ((TE,), TE_NOTE, lambda: owners.transformer_engine()),
    "transformer_engine_2d": ((TE,), TE_NOTE, lambda: owners.transformer_engine(16)),
    "transformer_engine_4over6_mae_448": ((TE,), TE_NOTE, te_4over6("MAE", 448)),
    "transformer_engine_4over6_mae_256": ((TE,), TE_NOTE, te_4over6("MAE", 256)),
    "transformer_engine_4over6_mse_448": ((TE,), TE_NOTE, te_4over6("MSE", 448)),
    "transformer_engine_4over6_mse_256": ((TE,), TE_NOTE, te_4over6("MSE", 256)),
    "transformer_engine_4over6_mae_256_2d": ((TE,), TE_NOTE, te_4over6("MAE", 256, 16)),
    "transformer_engine_4over6_mse_256_2d": ((TE,), TE_NOTE, te_4over6("MSE", 256, 16)),
    "modelopt": (("nvidia-modelopt",), "NVFP4QTensor.quantize and .dequantize", lambda: owners.modelopt()),
    "modelopt_four_over_six": (
        ("nvidia-modelopt", "triton"),
        "MseCalibrator over the multipliers 1 and 1.5 with static_blockwise_fp4_fake_quant in Triton's interpreter (its"
        " division is IEEE; a GPU's is not), then the export's scales and NVFP4QTensor.quantize",
        lambda: owners.modelopt_four_over_six(),
    ),
    "compressed_tensors": (
        ("compressed-tensors",),
        CT_NOTE + "; bfloat16 inputs widened to float32 first",
        lambda: owners.compressed_tensors(torch.float32),
    ),
    "compressed_tensors_bf16": (
        ("compressed-tensors",),
        CT_NOTE
        + "; float32 inputs (and amax) rounded to bfloat16 first. amax/6 and 2688/amax are then bfloat16 too",
        lambda: owners.compressed_tensors(torch.bfloat16),
    ),
    "torchao": (
        ("torchao",),
        "NVFP4Tensor.to_nvfp4 with per_tensor_amax_to_scale",
        lambda: owners.torchao(2),
    ),
    "torchao_one_level": (
        ("torchao",),
        "NVFP4Tensor.to_nvfp4 without tensor scale",
        lambda: owners.torchao(1),
    ),
    "fouroversix_static_6": (("fouroversix",), FOS_NOTE, lambda: owners.fouroversix("static_6")),
    "fouroversix_mse": (("fouroversix",), FOS_NOTE, lambda: owners.fouroversix("mse")),
    "fouroversix_mae": (("fouroversix",), FOS_NOTE, lambda: owners.fouroversix("mae")),
    "fouroversix_abs_max": (("fouroversix",), FOS_NOTE, lambda: owners.fouroversix("abs_max")),
    "vllm_reference": (
        ("vllm", "ml_dtypes"),
        "ref_nvfp4_quant and dequantize_to_dtype of nvfp4_emulation_utils.py: the kernel's formula with correctly rounded"
        " reciprocals; the caller's scales are 2688/amax and its reciprocal",
        lambda: owners.vllm_reference(),
    ),
    "ggml": (
        ("llama-cpp-python", "gguf"),
        "quantize_row_nvfp4_ref of libggml-base; decoded by gguf; codes and scales unpacked from its blocks of 64, and"
        " <case>.blocks as ggml lays them out",
        lambda: owners.ggml(),
    ),
}


def is_nan(scales):
    return (scales & 0x7F) == 0x7F


def run_recipe(name, inputs):
    packages, note, make = RECIPES[name]
    run = make()
    tensors, skipped, blocks = {}, [], 0
    for case, (x, amax) in inputs.items():
        result = run(x.clone(), amax)
        if result is None:
            continue
        scales = result["scales"]
        if is_nan(scales).all() or (packages[0], case) in UNDEFINED:
            skipped.append(case)
            continue
        blocks += scales.numel()
        result["scales"] = torch.where(is_nan(scales), 0x7F, scales).to(torch.uint8)
        for key, value in result.items():
            if (key != "decoded" or case in DECODED) and (key != "blocks" or case in BLOCKS):
                tensors[f"{case}.{key}"] = value.contiguous()
    metadata = {
        "format": "pt",
        "recipe": name,
        "versions": owners.version(*packages, "torch"),
        "seed": str(nvfp4_inputs.SEED),
        "note": note + ". NaN scales are stored as 0x7F (their sign depends on the host).",
        "left_out": "the owner's result is NaN: " + " ".join(skipped) if skipped else "",
    }
    return tensors, metadata, blocks


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parents[1])
    parser.add_argument("recipes", nargs="*", default=[])
    args = parser.parse_args()
    inputs = nvfp4_inputs.cases()
    tensors = {}
    for case, (x, amax) in inputs.items():
        tensors[case] = x
        if amax is not None:
            tensors[f"{case}.amax"] = amax
    metadata = {"format": "pt", "seed": str(nvfp4_inputs.SEED), "versions": owners.version("numpy", "torch")}
    save_file(tensors, args.out / "nvfp4_inputs.safetensors", metadata)
    for name in args.recipes or RECIPES:
        tensors, metadata, blocks = run_recipe(name, inputs)
        save_file(tensors, args.out / f"nvfp4_{name}.safetensors", metadata)
        print(f"{name}: {blocks} blocks; {metadata['versions']}; left out: {metadata['left_out'] or 'none'}")


if __name__ == "__main__":
    main()
