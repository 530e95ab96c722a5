# SPDX-License-Identifier: Apache-2.0
"""MX vectors of nvidia-modelopt: MXFP4QTensor and MXFP8QTensor.

    python mx_modelopt.py OUT_DIR

Reads mx_inputs.safetensors, writes mx_modelopt.safetensors: rceil.FORMAT.SET.codes and .scales.
Set a is quantized as bfloat16, the others as float32. decode.FORMAT is F32 [mx_inputs.SCALES, codes].
"""

import logging
import sys
import warnings

import numpy as np
import torch
from safetensors.torch import save_file

import mx_inputs

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

import modelopt  # noqa: E402
from modelopt.torch.quantization.qtensor.mxfp4_tensor import MXFP4QTensor  # noqa: E402
from modelopt.torch.quantization.qtensor.mxfp8_tensor import MXFP8QTensor  # noqa: E402


def quantize(x, name):
    if name == "mxfp4":
        q, scales = MXFP4QTensor.quantize(x, mx_inputs.BLOCK)
        scales = scales.reshape(x.shape[0], -1)
    else:
        q, scales = MXFP8QTensor.quantize(x)
    return q._quantized_data.view(torch.uint8).contiguous(), scales.contiguous()


def table(name):
    scales = torch.from_numpy(mx_inputs.SCALES)
    rows = len(scales)
    if name == "mxfp4":
        row = torch.arange(16, dtype=torch.uint8).repeat(2)
        packed = (row[0::2] | row[1::2] << 4).repeat(rows, 1)
        q = MXFP4QTensor((rows, 32), torch.float32, packed)
        return q.dequantize(torch.float32, scale=scales, block_sizes={-1: 32})[:, :16].contiguous()
    codes = torch.arange(256, dtype=torch.uint8).repeat(rows, 1).view(torch.float8_e4m3fn)
    q = MXFP8QTensor((rows, 256), torch.float32, codes)
    return q.dequantize(torch.float32, scale=scales[:, None].repeat(1, 8)).contiguous()


def main(directory):
    inputs = mx_inputs.load(directory)
    out = {}
    for name in ("mxfp4", "mxfp8_e4m3"):
        out[f"decode.{name}"] = table(name)
        for key in "abst":
            if key == "t" and name == "mxfp4":
                continue  # MXFP4QTensor takes whole blocks only.
            x = inputs[key]
            x = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16) if key == "a" else torch.from_numpy(x)
            codes, scales = quantize(x, name)
            out[f"rceil.{name}.{key}.codes"] = codes
            out[f"rceil.{name}.{key}.scales"] = scales
    metadata = {
        "package": "nvidia-modelopt",
        "version": modelopt.__version__,
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "recipe": "MXFP4QTensor.quantize, MXFP8QTensor.quantize on the CPU",
        "seed": str(mx_inputs.SEED),
        "note": "MXFP4: every tie goes toward zero and zero is code 8.",
    }
    save_file(out, f"{directory}/mx_modelopt.safetensors", metadata)


if __name__ == "__main__":
    main(sys.argv[1])
