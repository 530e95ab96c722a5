// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where codes and scales lie in memory.
///
/// quantize() and encode() write linear, row-major codes and scales. Kernels and checkpoints want other
/// orders. A layout is a small value made from a shape; it knows where each code or scale goes (offset), what
/// lies at a place (position), how long the buffer is (bytes), and what happens to padding. All of it is
/// constexpr index arithmetic in 64 bits, for host and device; nothing depends on the formats.
///
///     const nvq::layout::Blocked128x4 scales({rows, columns / 16});  // cuBLASLt, CUTLASS, tcgen05
///     out[scales.offset(r, c)] = scale;                              // from inside a kernel, or
///     nvq::to_layout(scales, linear, out);                           // a whole grid, padding included
///
/// Shapes are {rows, columns} = {outputs, inputs} of a weight in every layout, with columns counted in what
/// is laid out: codes, or scales along K.
///
///     Linear<T>, LinearCodes<Bits>              nvq itself; checkpoints
///     Blocked128x4                              byte scales: cuBLASLt, CUTLASS, tcgen05, vLLM, FlashInfer
///     Blocked8x4                                byte scales of activations: TensorRT-LLM's generated kernels
///     DeepGemmUE8M0                             E8M0 scales: DeepGEMM on sm_100
///     GptqWeights, GptqZeros                    GPTQ checkpoints, v1 and v2
///     AwqWeights, AwqZeros                      AWQ checkpoints
///     GroupMajorScales<T>                       scales of GPTQ and AWQ checkpoints
///     PackQuantizedWeights, PackQuantizedZeros  compressed-tensors pack-quantized
///     MarlinWeights, MarlinScales, MarlinZeros  Marlin kernels
///     GgmlCodes<Block>, GgmlScales<Block>       llama.cpp: MXFP4, NVFP4, Q4_0 blocks
///
/// docs/layouts.md draws them.

#include <nvq/layout/awq.hpp>
#include <nvq/layout/blocked.hpp>
#include <nvq/layout/convert.hpp>
#include <nvq/layout/ggml.hpp>
#include <nvq/layout/gptq.hpp>
#include <nvq/layout/linear.hpp>
#include <nvq/layout/marlin.hpp>
#include <nvq/layout/scale_layout.hpp>
