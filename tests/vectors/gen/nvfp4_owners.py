# SPDX-License-Identifier: Apache-2.0
"""Runs each owner's own NVFP4 quantizer on the CPU.

Every recipe maps (matrix, group amax or None) to a dict of tensors: codes (packed, low nibble first), scales (bits of
E4M3), whichever tensor scale the owner stores, and the owner's decoded values where it has a decoder for the CPU.
"""

import ctypes
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import types

os.environ["TRITON_INTERPRET"] = "1"  # modelopt's 4/6 search has only a Triton kernel

import numpy as np
import torch

torch.set_num_threads(1)


def version(*packages):
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)


def tensor_amax(x, amax):
    return x.abs().max().float().reshape(1) if amax is None else amax


# --- TransformerEngine: the reference quantizer of its tests, without the compiled library it normally loads


def load_transformer_engine_reference():
    root = importlib.metadata.distribution("transformer_engine").locate_file("transformer_engine")
    stubs = {}
    for name, path in (
        ("", ""),
        (".pytorch", "pytorch"),
        (".pytorch.custom_recipes", "pytorch/custom_recipes"),
    ):
        stubs["transformer_engine" + name] = module = types.ModuleType("transformer_engine" + name)
        module.__path__ = [os.path.join(root, path)]
    tensor = stubs["transformer_engine.pytorch.quantized_tensor"] = types.ModuleType("quantized_tensor")
    tensor.QuantizedTensorStorage = type("QuantizedTensorStorage", (), {})
    tensor.Quantizer = type("Quantizer", (), {})
    gemm = stubs["transformer_engine.pytorch.custom_recipes.gemm"] = types.ModuleType("gemm")
    gemm.MMParams = object
    gemm.GEMMType = types.SimpleNamespace(FPROP=0, WGRAD=1)
    stubs["transformer_engine.pytorch.custom_recipes"].gemm = gemm
    sys.modules.update(stubs)
    try:
        return importlib.import_module(
            "transformer_engine.pytorch.custom_recipes.reference_nvfp4"
        ).NVFP4QuantizerRef
    finally:
        for name in [n for n in sys.modules if n.split(".")[0] == "transformer_engine"]:
            del sys.modules[name]


def transformer_engine(tile_rows=1, **options):
    reference = load_transformer_engine_reference()

    def run(x, amax):
        amax = tensor_amax(x, amax)
        codes, scales = reference._quantize_blockwise_reference(
            x, amax, 16, tile_rows, pow_2_scales=False, eps=0.0, **options
        )
        scales = scales.view(torch.uint8)
        if tile_rows > 1:
            tiles = scales.reshape(-1, tile_rows, scales.shape[1])
            assert (tiles == tiles[:, :1]).all()
            scales = tiles[:, 0]
        return {"codes": codes, "scales": scales, "amax": amax}

    return run


# --- NVIDIA ModelOpt


class ModelOptQuantizer:
    """The attributes of a ModelOpt weight quantizer that its export reads."""

    def __init__(self, amax, block_amax=None, four_over_six=False):
        self.block_sizes = {-1: 16, "type": "static", "scale_bits": (4, 3), "four_over_six": four_over_six}
        self._amax = amax if block_amax is None else block_amax
        if block_amax is not None:
            self.global_amax = amax


def modelopt_result(qtensor, scales, decode_scale):
    decoded = qtensor.dequantize(torch.float32, scale=scales, double_scale=decode_scale, block_sizes={-1: 16})
    return {
        "codes": qtensor._quantized_data,
        "scales": scales.view(torch.uint8),
        "decode_scale": decode_scale.reshape(1),
        "decoded": decoded,
    }


def modelopt():
    from modelopt.torch.quantization.qtensor import NVFP4QTensor

    def run(x, amax):
        decode_scale = None
        if amax is not None:
            quantizer = ModelOptQuantizer(amax.reshape(()))
            decode_scale = NVFP4QTensor.get_weights_scaling_factor_2_from_quantizer(quantizer)
        return modelopt_result(*NVFP4QTensor.quantize(x.clone(), 16, weights_scaling_factor_2=decode_scale))

    return run


def modelopt_four_over_six():
    import contextlib

    from modelopt.torch.kernels.quantization.common import nvfp4_quant
    from modelopt.torch.kernels.quantization.gemm.fp4_kernel import static_blockwise_fp4_fake_quant
    from modelopt.torch.quantization.calib.mse import MseCalibrator
    from modelopt.torch.quantization.qtensor import NVFP4QTensor

    # Triton's interpreter needs no device, and has no libdevice.
    torch.cuda.device = lambda device: contextlib.nullcontext()
    nvfp4_quant.libdevice = types.SimpleNamespace(isnan=lambda v: v != v)

    def run(x, amax):
        amax = tensor_amax(x, amax).reshape(())
        blocks = x.reshape(-1, 16)
        search = MseCalibrator(
            blocks.float().abs().amax(-1, keepdim=True),
            axis=0,
            start_multiplier=1.0,
            stop_multiplier=1.5,
            step_size=0.5,
            quant_func=lambda v, a: static_blockwise_fp4_fake_quant(v, a, amax, True, 256.0, v.dtype),
        )
        search.collect(blocks)
        quantizer = ModelOptQuantizer(amax, search.compute_amax(), four_over_six=True)
        scales, decode_scale = NVFP4QTensor.get_weights_scaling_factor_from_quantizer(quantizer, x)
        return modelopt_result(*NVFP4QTensor.quantize(x.clone(), 16, scales, decode_scale))

    return run


# --- compressed-tensors


def compressed_tensors(dtype):
    from compressed_tensors.compressors.nvfp4.base import NVFP4PackedCompressor
    from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
    from compressed_tensors.quantization import preset_name_to_scheme
    from compressed_tensors.quantization.lifecycle.forward import dequantize
    from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam

    scheme = preset_name_to_scheme("NVFP4A16", ["Linear"])

    def run(x, amax):
        x = x.to(dtype)
        blocks = x.unflatten(-1, (-1, 16))
        low, high = blocks.amin(-1), blocks.amax(-1)
        top = (torch.max(high.max(), -low.min()) if amax is None else amax.to(dtype)).reshape(1)
        encode_scale = generate_gparam(-top, top)
        scales, zeros = calculate_qparams(low, high, scheme.weights, global_scale=encode_scale)
        packed = NVFP4PackedCompressor.compress(
            {
                "weight": x.clone(),
                "weight_scale": scales,
                "weight_global_scale": encode_scale,
                "weight_zero_point": zeros,
            },
            scheme,
        )
        values = unpack_fp4_from_uint8(packed["weight_packed"], *x.shape, dtype=torch.float32)
        return {
            "codes": packed["weight_packed"],
            "scales": packed["weight_scale"].view(torch.uint8),
            "encode_scale": encode_scale,
            "decoded": dequantize(
                values, packed["weight_scale"].float(), args=scheme.weights, global_scale=encode_scale
            ),
        }

    return run


# --- torchao


def torchao(levels):
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor, per_tensor_amax_to_scale

    def run(x, amax):
        if levels == 1 and amax is not None:
            return None
        decode_scale = per_tensor_amax_to_scale(tensor_amax(x, amax).reshape(())) if levels == 2 else None
        quantized = NVFP4Tensor.to_nvfp4(x, per_tensor_scale=decode_scale)
        out = {
            "codes": quantized.qdata.view(torch.uint8),
            "scales": quantized.scale.view(torch.uint8),
            "decoded": quantized.dequantize(torch.float32),
        }
        if decode_scale is not None:
            out["decode_scale"] = decode_scale.reshape(1)
        return out

    return run


# --- fouroversix


def fouroversix(rule, tile_rows=1):
    from fouroversix.quantize.pytorch.reference import quantize_to_fp4
    from fouroversix.utils import ScaleRule

    def run(x, amax):
        codes, scales, amax = quantize_to_fp4(
            x,
            None if amax is None else amax.reshape(()),
            scale_rule=ScaleRule[rule],
            block_scale_2d=tile_rows > 1,
            use_blackwell_scale_layout=False,
        )
        scales = scales.view(torch.uint8).reshape(x.shape[0], -1)[::tile_rows]
        return {"codes": codes, "scales": scales, "amax": amax.reshape(1)}

    return run


# --- vLLM: the CPU reference of its emulation path, without the package around it


def load_vllm_reference():
    path = "vllm/model_executor/layers/quantization/utils/nvfp4_emulation_utils.py"
    stubs = {
        name: types.ModuleType(name) for name in ("vllm", "vllm.platforms", "vllm.scalar_type", "vllm.utils")
    }
    stubs["vllm.triton_utils"] = triton_utils = types.ModuleType("vllm.triton_utils")
    stubs["vllm.utils.torch_utils"] = torch_utils = types.ModuleType("vllm.utils.torch_utils")
    triton_utils.tl = importlib.import_module("triton.language")
    triton_utils.triton = importlib.import_module("triton")
    torch_utils.direct_register_custom_op = lambda *args, **kwargs: None
    stubs["vllm.platforms"].current_platform = types.SimpleNamespace(is_cuda_alike=lambda: False)
    stubs["vllm.scalar_type"].scalar_types = types.SimpleNamespace(
        float4_e2m1f=types.SimpleNamespace(max=lambda: 6.0)
    )
    spec = importlib.util.spec_from_file_location(
        "vllm_nvfp4_reference", importlib.metadata.distribution("vllm").locate_file(path)
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules.update(stubs)
    try:
        spec.loader.exec_module(module)
    finally:
        for name in stubs:
            del sys.modules[name]
    return module


def vllm_reference():
    import ml_dtypes

    reference = load_vllm_reference()

    def run(x, amax):
        encode_scale = torch.div(torch.tensor([2688.0]), tensor_amax(x, amax))
        values, scales = reference.ref_nvfp4_quant(x, encode_scale, 16)
        codes = torch.from_numpy(values.numpy().astype(ml_dtypes.float4_e2m1fn).view(np.uint8))
        codes = codes[:, ::2] | codes[:, 1::2] << 4
        scales = scales.to(torch.float8_e4m3fn)
        decode_scale = torch.div(torch.ones(1), encode_scale)
        return {
            "codes": codes,
            "scales": scales.view(torch.uint8),
            "encode_scale": encode_scale,
            "decode_scale": decode_scale,
            "decoded": reference.dequantize_to_dtype(
                codes, scales, decode_scale, torch.float32, 16, swizzle=False
            ),
        }

    return run


# --- ggml, from the library that llama-cpp-python installs


def ggml():
    import gguf

    library = next(
        str(f.locate())
        for f in importlib.metadata.files("llama-cpp-python")
        if f.name.startswith("libggml-base.so")
    )
    quantize = ctypes.CDLL(library).quantize_row_nvfp4_ref
    quantize.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    quantize.restype = None
    kind = gguf.GGMLQuantizationType.NVFP4

    def run(x, amax):
        if amax is not None:
            return None
        values = x.float().contiguous().numpy()
        blocks = np.zeros((values.size // 64, 36), dtype=np.uint8)
        quantize(values.ctypes.data, blocks.ctypes.data, values.size)
        halves = blocks[:, 4:].reshape(-1, 8)
        nibbles = np.concatenate([halves & 15, halves >> 4], axis=1)
        return {
            "blocks": torch.from_numpy(blocks.reshape(values.shape[0], -1)),
            "codes": torch.from_numpy(nibbles[:, ::2] | nibbles[:, 1::2] << 4).reshape(values.shape[0], -1),
            "scales": torch.from_numpy(blocks[:, :4].copy()).reshape(values.shape[0], -1),
            "decoded": torch.from_numpy(
                gguf.quants.dequantize(blocks.reshape(-1), kind).reshape(values.shape)
            ),
        }

    return run
