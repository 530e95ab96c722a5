# SPDX-License-Identifier: Apache-2.0
"""Writes tests/vectors/layout_*.safetensors: codes and scales as their owners' packages lay them out.

    python -m venv venv && venv/bin/pip install --no-deps -r requirements-layout.txt
    git clone https://github.com/deepseek-ai/DeepGEMM
    venv/bin/python layout.py --deepgemm DeepGEMM

The packages' own functions do the packing. Several of these packages import a GPU stack when they are imported, so
`functions` takes the functions it needs out of the installed source file and runs them alone.
"""

import argparse
import ast
import importlib.util
import json
import math
import pathlib
import re
import subprocess
import tempfile
import types
from importlib.metadata import version

import numpy as np
import torch
from safetensors.torch import save as serialize

SEED = 20261120
HERE = pathlib.Path(__file__).resolve().parent
DEEPGEMM_COMMIT = "54e22612409371d6364144b69086735beb54e98b"


def functions(source, names, **environment):
    """The functions and methods `names` of a Python source text, defined in `environment`."""
    env = {"torch": torch, "np": np, "numpy": np, "math": math, **environment}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.decorator_list = []
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
            exec(compile(ast.Module([node], []), node.name, "exec"), env)
    missing = [n for n in names if n not in env]
    assert not missing, missing
    return types.SimpleNamespace(**{n: env[n] for n in names})


def package_file(package, path):
    root = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    return (root / path).read_text()


def save(name, tensors, package, **metadata):
    metadata = {"package": package, "seed": str(SEED), **metadata}
    tensors = {k: v.contiguous().clone() for k, v in tensors.items()}
    data = serialize(tensors, metadata)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(metadata.items()))  # its order is random otherwise
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path = HERE.parent / f"layout_{name}.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])


def codes_of(generator, bits, *shape, low=0):
    return torch.randint(low, 1 << bits, shape, dtype=torch.uint8, generator=generator)


def torchao(g):
    from torchao.prototype.mx_formats.utils import to_blocked

    tensors = {}
    for rows, columns in [(1, 1), (128, 4), (129, 5), (32, 16), (256, 12), (300, 33)]:
        scales = codes_of(g, 8, rows, columns)
        tensors[f"scales_{rows}x{columns}"] = scales
        tensors[f"blocked_{rows}x{columns}"] = to_blocked(scales)
    save("torchao", tensors, "torchao", version=version("torchao"), function="to_blocked",
         note="blocked is the 128x4 layout, padded with zeros")


def flashinfer():
    source = package_file("flashinfer", "data/csrc/nv_internal/tensorrt_llm/kernels/quantization_utils.cuh")
    parts = []
    for name in ["get_sf_out_offset_128x4", "get_sf_out_offset_8x4"]:
        text = re.search(r"inline __device__ __host__ int64_t %s\(int mIdx, .*?\n}\n" % name, source, re.S).group()
        parts.append(text.replace("__device__ __host__ ", ""))
    shapes = [(7, 3), (40, 9), (130, 6), (260, 12)]
    main = "#include <cstdint>\n#include <cstdio>\n%s\nint main() {\n" % "\n".join(parts)
    for rows, columns in shapes:
        for name in ["128x4", "8x4"]:
            main += (f"  for (int r = 0; r < {rows}; ++r) for (int c = 0; c < {columns}; ++c)\n"
                     f'    std::printf("%lld\\n", (long long)get_sf_out_offset_{name}(r, c, {columns}));\n')
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "offsets"
        subprocess.run(["c++", "-x", "c++", "-", "-o", program], input=main + "}\n", text=True, check=True)
        numbers = iter(subprocess.run([program], text=True, check=True, stdout=subprocess.PIPE).stdout.split())
    tensors = {}
    for rows, columns in shapes:
        for name in ["128x4", "8x4"]:
            values = [int(next(numbers)) for _ in range(rows * columns)]
            tensors[f"offset_{name}_{rows}x{columns}"] = torch.tensor(values, dtype=torch.int32).view(rows, columns)
    save("flashinfer", tensors, "flashinfer-python", version=version("flashinfer-python"),
         function="get_sf_out_offset_128x4, get_sf_out_offset_8x4")


def deepgemm(g, repository):
    def show(path):
        return subprocess.run(["git", "-C", repository, "show", f"{DEEPGEMM_COMMIT}:{path}"], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    name = "get_mn_major_tma_aligned_packed_ue8m0_tensor_torch_impl"
    utils = functions(show("deep_gemm/utils/math.py"), ["align", "ceil_div"])
    aligned = re.search(r"static int get_tma_aligned_size\(.*?\n}\n", show("csrc/utils/math.hpp"), re.S).group()
    assert "kNumTMAAlignmentBytes = 16" in aligned and "align(x, kNumTMAAlignmentBytes / element_size)" in aligned
    impl = getattr(functions(show("tests/test_layout.py"), [name], align=utils.align,
                             get_tma_aligned_size=lambda x, size: utils.align(x, 16 // size)), name)
    tensors = {}
    for rows, columns in [(4, 4), (1, 1), (13, 7), (128, 9), (66, 16)]:
        scales = torch.randint(1, 255, (rows, columns), dtype=torch.int32, generator=g)
        packed = impl((scales << 23).view(torch.float32))
        buffer = torch.empty(0, dtype=torch.uint8).set_(packed.untyped_storage())
        tensors[f"scales_{rows}x{columns}"] = scales.to(torch.uint8)
        tensors[f"packed_{rows}x{columns}"] = buffer
    save("deepgemm", tensors, "DeepGEMM", version=DEEPGEMM_COMMIT, function=name)


def gptqmodel(g):
    class Linear:
        pass

    class Limits:
        def threadpool_limits(self, _):
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

    never = type("Never", (), {})
    pack = functions(
        package_file("gptqmodel", "nn_modules/qlinear/__init__.py"), ["pack_original"], THREADPOOLCTL=Limits(), t=torch,
        nn=torch.nn, _ConvNd=never,
        transformers=types.SimpleNamespace(pytorch_utils=types.SimpleNamespace(Conv1D=never))).pack_original
    log = types.SimpleNamespace(info=types.SimpleNamespace(once=lambda _: None))
    to_v1 = functions(package_file("gptqmodel", "utils/model.py"), ["convert_gptq_v2_to_v1_format_module"],
                      BaseQuantLinear=object, log=log).convert_gptq_v2_to_v1_format_module
    tensors = {}
    rows, columns, group = 40, 96, 32
    for bits in [4, 8]:
        codes = codes_of(g, bits, rows, columns)
        zeros = codes_of(g, bits, rows, columns // group, low=1)  # z = 0 borrows from its neighbour in v1
        scales = 2.0 ** torch.randint(-8, -4, (rows, columns // group), generator=g).float()
        index = torch.arange(columns) // group
        linear = Linear()
        weight = (codes.float() - zeros.float()[:, index]) * scales[:, index]
        linear.weight, linear.bias = types.SimpleNamespace(data=weight), None
        packed = types.SimpleNamespace(bits=bits, maxq=2**bits - 1, pack_factor=32 // bits, pack_dtype_bits=32,
                                       pack_np_math_dtype=np.uint32, pack_np_dtype=np.int32, planar=False, g_idx=index,
                                       pack_dtype=torch.int32, in_features=columns, out_features=rows)
        packed.register_buffer = lambda name, value, self=packed: setattr(self, name, value)
        packed.qzero_format = lambda format: None
        pack(packed, linear, scales, zeros.float(), index)
        tensors[f"codes_{bits}"] = codes
        tensors[f"zeros_{bits}"] = zeros
        tensors[f"scales_{bits}"] = scales.half()
        tensors[f"qweight_{bits}"] = packed.qweight
        tensors[f"qzeros_v2_{bits}"] = packed.qzeros.clone()
        tensors[f"qscales_{bits}"] = packed.scales
        to_v1(packed, packed)
        tensors[f"qzeros_v1_{bits}"] = packed.qzeros
    save("gptqmodel", tensors, "gptqmodel", version=version("gptqmodel"),
         function="pack_original, convert_gptq_v2_to_v1_format_module",
         note="codes [out, in], zeros and scales [out, group] of 32; zeros are at least 1")


def autoawq(g):
    from_linear = functions(package_file("awq", "modules/linear/gemm.py"), ["from_linear"],
                            get_best_device=lambda: "cpu").from_linear
    rows, columns, group = 96, 64, 32
    codes, zeros = codes_of(g, 4, rows, columns), codes_of(g, 4, rows, columns // group)
    scales = 2.0 ** torch.randint(-8, -4, (rows, columns // group), generator=g).float()
    index = torch.arange(columns) // group
    weight = (codes.float() - zeros.float()[:, index]) * scales[:, index]
    linear = types.SimpleNamespace(weight=types.SimpleNamespace(data=weight, device="cpu"), bias=None,
                                   in_features=columns, out_features=rows)
    awq = from_linear(lambda bits, *_: types.SimpleNamespace(w_bit=bits, in_features=columns), linear, 4, group,
                      scales=scales.T.contiguous(), zeros=zeros.T.float().contiguous())
    save("autoawq",
         {"codes": codes, "zeros": zeros, "scales": scales.half(), "qweight": awq.qweight, "qzeros": awq.qzeros,
          "qscales": awq.scales},
         "autoawq", version=version("autoawq"), function="WQLinear_GEMM.from_linear",
         note="codes [out, in], zeros and scales [out, group] of 32")


def vllm(g):
    folder = "model_executor/layers/quantization/utils/"
    quant = functions(package_file("vllm", folder + "quant_utils.py"), ["get_pack_factor", "pack_cols"])
    marlin = functions(package_file("vllm", folder + "marlin_utils.py"),
                       ["get_scale_perms", "marlin_permute_scales", "marlin_zero_points"], pack_cols=quant.pack_cols)
    test = functions(package_file("vllm", folder + "marlin_utils_test.py"),
                     ["marlin_permute_weights", "marlin_weights", "get_weight_perm"], GPTQ_MARLIN_TILE=16,
                     get_pack_factor=quant.get_pack_factor)
    fp4 = functions(package_file("vllm", folder + "marlin_utils_fp4.py"),
                    ["_nvfp4_compute_scale_factor", "nvfp4_marlin_process_scales", "mxfp4_marlin_process_scales"])
    tensors = {}
    rows, columns = 192, 96
    for bits in [4, 8]:
        codes = codes_of(g, bits, rows, columns)
        zeros = codes_of(g, bits, rows, 3)
        tensors[f"codes_{bits}"], tensors[f"zeros_{bits}"] = codes, zeros
        for activation in [16, 8]:
            a8 = activation == 8
            tensors[f"weights_{bits}_a{activation}"] = test.marlin_weights(
                codes.T.contiguous(), columns, rows, bits, test.get_weight_perm(bits, a8), a8)
            tensors[f"marlin_zeros_{bits}_a{activation}"] = marlin.marlin_zero_points(
                zeros.T.contiguous(), 3, rows, bits, a8)
    for groups in [1, 3]:
        scales = torch.rand((rows, groups), generator=g).half()
        tensors[f"scales_{groups}"] = scales
        for activation in [16, 8]:
            tensors[f"marlin_scales_{groups}_a{activation}"] = marlin.marlin_permute_scales(
                scales.T.contiguous(), columns, rows, columns // groups, activation == 8)
    for groups in [1, 6]:
        # E4M3 magnitudes without NaN, and small ones only, which the path for bf16 activations rescales.
        bytes_ = torch.randint(0, 127, (rows, groups), dtype=torch.uint8, generator=g)
        small = bytes_ % 40
        for kind, raw in [("full", bytes_), ("small", small)]:
            tensors[f"nvfp4_{kind}_{groups}"] = raw
            for dtype, name in [(torch.half, "fp16"), (torch.bfloat16, "bf16")]:
                permuted = marlin.marlin_permute_scales(raw.view(torch.float8_e4m3fn).to(dtype).T.contiguous(),
                                                        groups * 16, rows, 16)
                out, factor = fp4.nvfp4_marlin_process_scales(permuted, a_dtype=dtype)
                tensors[f"marlin_nvfp4_{kind}_{groups}_{name}"] = out.view(torch.uint8)
                tensors[f"shift_nvfp4_{kind}_{groups}_{name}"] = torch.tensor([int(math.log2(factor))])
        e8m0 = torch.randint(0, 250, (rows, groups), dtype=torch.uint8, generator=g)
        tensors[f"mxfp4_{groups}"] = e8m0
        for activation, dtype in [(16, torch.bfloat16), (8, torch.float8_e4m3fn)]:
            permuted = marlin.marlin_permute_scales(
                e8m0.view(torch.float8_e8m0fnu).to(torch.bfloat16).T.contiguous(), groups * 32, rows, 32,
                activation == 8)
            out = fp4.mxfp4_marlin_process_scales(permuted, dtype)
            tensors[f"marlin_mxfp4_{groups}_a{activation}"] = out.view(torch.uint8)
    save("vllm", tensors, "vllm", version=version("vllm"),
         function="marlin_weights, marlin_permute_scales, marlin_zero_points, nvfp4_marlin_process_scales, "
                  "mxfp4_marlin_process_scales",
         note="codes [out, in]; zeros and scales [out, group]; _a16 and _a8: bits of the activations; shift: log2 of "
              "the returned scale factor; mxfp4 for 8-bit activations is stored plus 6")


def compressed_tensors(g):
    from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32

    tensors = {}
    for bits in [4, 8]:
        for rows, columns in [(24, 64), (13, 22)]:
            values = torch.randint(-(1 << bits - 1), 1 << bits - 1, (rows, columns), dtype=torch.int8, generator=g)
            tensors[f"values_{bits}_{rows}x{columns}"] = values
            tensors[f"packed1_{bits}_{rows}x{columns}"] = pack_to_int32(values, bits, 1)
            tensors[f"packed0_{bits}_{rows}x{columns}"] = pack_to_int32(values, bits, 0)
    save("compressed_tensors", tensors, "compressed-tensors", version=version("compressed-tensors"),
         function="pack_to_int32", note="packed1 packs along the row (weights), packed0 down the column (zero points)")


def gguf(g):
    from gguf import GGMLQuantizationType, quants

    tensors = {}
    rows = 6
    for kind, columns, block, scale_bytes in [("MXFP4", 96, 32, 1), ("NVFP4", 192, 64, 4), ("Q4_0", 96, 32, 2)]:
        blocks = columns // block
        raw = codes_of(g, 8, rows, blocks, scale_bytes + block // 2)
        if kind == "MXFP4":
            raw[:, :, 0] = torch.randint(100, 150, (rows, blocks), dtype=torch.uint8, generator=g)
        elif kind == "NVFP4":
            raw[:, :, :4] = torch.randint(0, 127, (rows, blocks, 4), dtype=torch.uint8, generator=g)
        else:
            scales = torch.rand((rows, blocks, 1), generator=g).half()
            raw[:, :, :2] = scales.view(torch.uint8)
        raw = raw.view(rows, -1)
        values = quants.dequantize(raw.numpy(), GGMLQuantizationType[kind])
        tensors[f"blocks_{kind}"] = raw
        tensors[f"values_{kind}"] = torch.from_numpy(values.copy())
    save("gguf", tensors, "gguf", version=version("gguf"), function="quants.dequantize",
         note="blocks: random bytes, finite scales; values: what gguf decodes them to, [rows, columns]")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--deepgemm", required=True, help="a clone of DeepGEMM holding " + DEEPGEMM_COMMIT)
    arguments = parser.parse_args()

    def generator(offset):
        return torch.Generator().manual_seed(SEED + offset)

    torchao(generator(0))
    flashinfer()
    deepgemm(generator(1), arguments.deepgemm)
    gptqmodel(generator(2))
    autoawq(generator(3))
    vllm(generator(4))
    compressed_tensors(generator(5))
    gguf(generator(6))


if __name__ == "__main__":
    main()
