# SPDX-License-Identifier: Apache-2.0
"""INT4 vectors of AutoGPTQ's and AutoAWQ's quantizers.

    python int_repositories.py OUT_DIR AUTOGPTQ_CHECKOUT AUTOAWQ_CHECKOUT

Reads int_inputs.safetensors, writes int_gptq and int_awq.safetensors: RECIPE.SET.codes, .scales (F32, before
the packers round them to half), .zero_points and .decoded. Groups of 128; codes are unsigned, two a byte, the
even column in the low half. Both quantizers return values; a code is round(value / scale) + zero.
"""

import ast
import importlib.util
import pathlib
import sys
import types

import numpy as np
import torch
from safetensors.torch import save_file

import int_inputs

COMMITS = {
    "gptq": "9f7d37072917ab3a7545835f23e808294a542153",
    "awq": "88e4c76b20755db275574e6a03c83c84ba3bece5",
}


def codes_of(values, scale, zero):
    q = torch.round(values / scale) + zero
    return torch.from_numpy(int_inputs.nibbles(np.nan_to_num(q.numpy(), nan=0.0).clip(0, 15)))


def gptq(checkout):
    spec = importlib.util.spec_from_file_location("quantizer", f"{checkout}/auto_gptq/quantization/quantizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def recipe(symmetric):
        def run(x):
            quantizer = module.Quantizer()
            quantizer.configure(4, perchannel=True, sym=symmetric, mse=False)
            quantizer.find_params(x, weight=True)
            values = module.quantize(x, quantizer.scale, quantizer.zero, quantizer.maxq)
            return values, quantizer.scale, quantizer.zero

        return run

    return {"symmetric": recipe(True), "asymmetric": recipe(False)}


def awq(checkout):
    """The one method pseudo_quantize_tensor, without importing a package that wants old transformers."""
    tree = ast.parse(pathlib.Path(checkout, "awq/quantize/quantizer.py").read_text())
    method = next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == "pseudo_quantize_tensor")
    scope = {"torch": torch}
    exec(compile(ast.Module([method], []), "quantizer.py", "exec"), scope)

    def recipe(zero_point):
        def run(x):
            this = types.SimpleNamespace(group_size=128, zero_point=zero_point, w_bit=4)
            values, scale, zero = scope["pseudo_quantize_tensor"](this, x)
            return values, scale, torch.full_like(scale, 8) if zero is None else zero

        return run

    return {"asymmetric": recipe(True), "symmetric": recipe(False)}


def main(directory, *checkouts):
    inputs = int_inputs.load(directory)
    for package, owner, checkout in zip(COMMITS, (gptq, awq), checkouts):
        out = {}
        for name, run in owner(checkout).items():
            for key in "ab":
                x = torch.from_numpy(inputs[key].astype(np.float32))
                if package == "awq" and key == "a":
                    x = torch.from_numpy(inputs[key])  # AutoAWQ quantizes in the weights' type.
                values, scale, zero = run(x.clone())
                out[f"{name}.{key}.codes"] = codes_of(values.float(), scale.float(), zero.float())
                out[f"{name}.{key}.scales"] = scale.contiguous()
                out[f"{name}.{key}.zero_points"] = zero.to(torch.uint8).contiguous()
                if key == "b":
                    out[f"{name}.{key}.decoded"] = values[:64].contiguous()
        metadata = {
            "package": package,
            "version": COMMITS[package],
            "torch": torch.__version__,
            "recipe": {"gptq": "Quantizer, 4 bits, perchannel, mse off", "awq": "pseudo_quantize_tensor, 4 bits"}[package],
            "seed": str(int_inputs.SEED),
            "note": "decoded: first 64 rows. awq symmetric: codes carry an offset of 8 that AutoAWQ does not have.",
        }
        save_file(out, f"{directory}/int_{package}.safetensors", metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
