# SPDX-License-Identifier: Apache-2.0
"""MX vectors of NVIDIA's rule, from TransformerEngine's host reference and the CUDA Toolkit's conversions.

    python mx_nvidia.py OUT_DIR TRANSFORMER_ENGINE_CHECKOUT CUDA_INCLUDE_DIR

Reads mx_inputs.safetensors, writes mx_nvidia.safetensors: rceil.FORMAT.SET.codes and .scales. The scale's
byte and reciprocal come from float_to_e8m0 and exp2f_rcp of TransformerEngine's tests/cpp/test_common.h,
which this script compiles; the loop around them is the one of its tests/cpp/operator/test_cast_mxfp8.cu:
amax over the block without its NaNs, times the rounded reciprocal of the largest element. TransformerEngine
has FP8 elements only; FP4 and FP6 are the same steps with the Toolkit's conversion to that element.
"""

import ctypes
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
from safetensors.numpy import save_file

import mx_inputs

COMMIT = "d0067d0da6cb01811b8072a7d304f0e00344ce2b"
FORMATS = {
    "mxfp4": ("__nv_cvt_float_to_fp4(v, __NV_E2M1, cudaRoundNearest)", 6.0, 4),
    "mxfp6_e2m3": ("__nv_cvt_float_to_fp6(v, __NV_E2M3, cudaRoundNearest)", 7.5, 6),
    "mxfp6_e3m2": ("__nv_cvt_float_to_fp6(v, __NV_E3M2, cudaRoundNearest)", 28.0, 6),
    "mxfp8_e4m3": ("__nv_cvt_float_to_fp8(v, __NV_SATFINITE, __NV_E4M3)", 448.0, 8),
    "mxfp8_e5m2": ("__nv_cvt_float_to_fp8(v, __NV_SATFINITE, __NV_E5M2)", 57344.0, 8),
}
PROGRAM = """
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>
using fp8e8m0 = std::uint8_t;
constexpr std::uint32_t FP32_MANTISSA_BITS = 23;
%s
%s
"""
LOOP = """
extern "C" void %s(const float* x, std::size_t blocks, std::uint8_t* codes, std::uint8_t* scales) {
  for (std::size_t b = 0; b < blocks; ++b, x += 32, codes += 32) {
    float amax = 0.0f;
    for (int i = 0; i < 32; ++i) amax = std::max(amax, std::abs(x[i]));
    scales[b] = float_to_e8m0(amax * static_cast<float>(1.0 / %r));
    const float r = exp2f_rcp(scales[b]);
    for (int i = 0; i < 32; ++i) {
      const float v = x[i] * r;
      codes[i] = %s;
    }
  }
}
"""


def build(checkout, cuda, directory):
    header = pathlib.Path(checkout, "tests/cpp/test_common.h").read_text()
    functions = re.search(r"^inline fp8e8m0 float_to_e8m0.*?(?=^inline float identity)", header, re.S | re.M).group(0)
    loops = "".join(LOOP % (name, largest, convert) for name, (convert, largest, _) in FORMATS.items())
    source = pathlib.Path(directory, "reference.cpp")
    source.write_text(PROGRAM % (functions, loops))
    library = pathlib.Path(directory, "reference.so")
    flags = ["-std=c++17", "-O1", "-fno-strict-aliasing", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run(["g++", *flags, f"-I{cuda}", str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def quantize(library, x, name):
    x = np.ascontiguousarray(x.astype(np.float32))
    codes = np.empty(x.shape, np.uint8)
    scales = np.empty((x.shape[0], x.shape[1] // 32), np.uint8)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, codes, scales)]
    getattr(library, name)(pointers[0], ctypes.c_size_t(scales.size), pointers[1], pointers[2])
    return mx_inputs.pack(codes, FORMATS[name][2]), scales


def main(directory, checkout, cuda):
    inputs = mx_inputs.load(directory)
    out = {}
    with tempfile.TemporaryDirectory() as scratch:
        library = build(checkout, cuda, scratch)
        for name in FORMATS:
            whole = name in ("mxfp4", "mxfp8_e4m3")
            for key in "abs":
                x = inputs[key] if whole or key != "a" else inputs[key][: mx_inputs.FEW]
                codes, scales = quantize(library, x, name)
                out[f"rceil.{name}.{key}.codes"] = codes
                out[f"rceil.{name}.{key}.scales"] = scales
    version = re.search(r"CUDART_VERSION\s+(\d+)", pathlib.Path(cuda, "cuda_runtime_api.h").read_text()).group(1)
    metadata = {
        "package": "TransformerEngine host reference, CUDA Toolkit headers",
        "version": f"{COMMIT}, CUDART_VERSION {version}",
        "recipe": "float_to_e8m0(amax * fl(1 / largest)); elements saturate, NaN becomes the largest code or 0x7F",
        "seed": str(mx_inputs.SEED),
        "note": "Where codes have 16 rows for a, they belong to its first 16 rows.",
    }
    save_file(out, f"{directory}/mx_nvidia.safetensors", metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
