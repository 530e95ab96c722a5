# SPDX-License-Identifier: Apache-2.0
"""FP8 vectors of DeepGEMM, DeepSeek-V3 and TransformerEngine, whose references are plain Python.

    python fp8_repositories.py OUT_DIR DEEPGEMM_CHECKOUT DEEPSEEK_V3_CHECKOUT TRANSFORMER_ENGINE_CHECKOUT

Reads fp8_inputs.safetensors, writes fp8_deepgemm, fp8_deepseek and fp8_transformer_engine.safetensors with
RECIPE.SET.codes and .scales. Scales multiply codes. DeepSeek's Triton kernel runs in Triton's interpreter.
"""

import importlib.util
import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

import fp8_inputs  # noqa: E402

COMMITS = {
    "deepgemm": "54e22612409371d6364144b69086735beb54e98b",
    "deepseek": "9b4e9788e4a3a731f7567338ed15d3ec549ce03b",
    "transformer_engine": "d0067d0da6cb01811b8072a7d304f0e00344ce2b",
}
FP8 = torch.float8_e4m3fn


def tensor(x):
    return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if x.dtype != np.float32 else torch.from_numpy(x)


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def deepgemm(checkout):
    math = load(f"{checkout}/deep_gemm/utils/math.py", "deepgemm_math")
    rows = {
        "group128": lambda x: math.per_token_cast_to_fp8(x, False),
        "group128_ue8m0": lambda x: math.per_token_cast_to_fp8(x, True),
    }
    tiles = {
        "block128x128": lambda x: math.per_block_cast_to_fp8(x, False),
        "block128x128_ue8m0": lambda x: math.per_block_cast_to_fp8(x, True),
    }
    return rows, tiles, "per_token_cast_to_fp8 and per_block_cast_to_fp8 of deep_gemm/utils/math.py"


def deepseek(checkout):
    """Triton 3.9's interpreter drops carries when it casts to FP8, so the kernel writes floats for torch to cast."""
    kernel = load(f"{checkout}/inference/kernel.py", "deepseek_kernel").act_quant_kernel

    def act_quant(x, scale_fmt=None):
        y, s = torch.empty(x.shape, dtype=torch.float32), torch.empty(x.shape[0], 1)
        kernel[(x.shape[0],)](x, y, s, BLOCK_SIZE=128, scale_fmt=scale_fmt)
        return y.to(FP8), s

    rows = {"group128": act_quant, "group128_ue8m0": lambda x: act_quant(x, "ue8m0")}
    return rows, {}, "act_quant_kernel of inference/kernel.py in Triton's interpreter, cast to E4M3 by torch"


def transformer_engine(checkout):
    sys.path.insert(0, f"{checkout}/tests/pytorch")
    from references.blockwise_quantizer_reference import BlockwiseQuantizerReference
    from references.quantize_scale_calc import scale_from_amax_tensor

    def blockwise(tile, pow_2_scales):
        def run(x):
            options = {"quant_tile_shape": tile, "pow_2_scales": pow_2_scales, "munge_scale_shapes": False}
            result = BlockwiseQuantizerReference().quantize(x, FP8, **options)
            return result.data, result.scale

        return run

    def current_scaling(x):
        """ref_per_tensor_cs_cast's steps; every row is a tensor of its own."""
        amax = x.to(torch.float32).abs().amax(-1, keepdim=True)
        scale, inverse, _ = scale_from_amax_tensor(torch.float32, amax, FP8, eps=0.0, pow_2_scales=False)
        return (x.float() * scale).to(FP8), inverse

    rows = {
        "current_scaling": current_scaling,
        "group128": blockwise((1, 128), False),
        "group128_pow2": blockwise((1, 128), True),
    }
    tiles = {"block128x128": blockwise((128, 128), False), "block128x128_pow2": blockwise((128, 128), True)}
    return rows, tiles, "tests/pytorch/references, eps 0"


def main(directory, *checkouts):
    inputs = fp8_inputs.load(directory)
    squares = fp8_inputs.squares(inputs)
    for package, owner, checkout in zip(COMMITS, (deepgemm, deepseek, transformer_engine), checkouts):
        rows, tiles, recipe = owner(checkout)
        out = {}
        jobs = [(name, key, inputs[key], f) for name, f in rows.items() for key in "abs"]
        jobs += [(name, key, x, f) for name, f in tiles.items() for key, x in squares.items()]
        for name, key, x, formula in jobs:
            codes, scales = formula(tensor(x))
            out[f"{name}.{key}.codes"] = codes.view(torch.uint8).contiguous()
            out[f"{name}.{key}.scales"] = scales.contiguous()
        metadata = {
            "package": package,
            "version": COMMITS[package],
            "torch": torch.__version__,
            "recipe": recipe,
            "seed": str(fp8_inputs.SEED),
            "note": "Sets a2, a256 and t: see squares() in gen/fp8_inputs.py.",
        }
        save_file(out, f"{directory}/fp8_{package}.safetensors", metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
