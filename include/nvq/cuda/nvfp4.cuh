// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// NVFP4 (see nvfp4.hpp) on devices.
///
/// A GEMM prologue: eight codes of a row, the E4M3 byte of their block, to four pairs of the operand. The tensor scale
/// is left to the sums.
///
///     __nv_bfloat162 b[4];
///     nvq::cuda::unpack<nvq::NVFP4>(codes_u32, scale_byte, b);
///
/// A fused epilogue: a thread with the 16 values of a block.
///
///     const auto scales = nvq::tensor_scales<nvq::NVFP4>(*amax);
///     const auto block = nvq::cuda::pack<nvq::NVFP4>(values, scales);  // block.codes: 64 bits, block.scale
///     codes[i] = block.codes;
///     scale_bytes[nvq::layout::Blocked128x4({rows, columns / 16}).offset(row, column / 16)] = block.scale;
///
/// A tensor:
///
///     nvq::cuda::quantize_async<nvq::NVFP4>(in, {rows, columns}, codes, scale_bytes, amax,
///                                           nvq::ScaleLayout::blocked_128x4, stream, nvq::recipe::modelopt);
