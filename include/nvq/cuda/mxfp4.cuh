// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// MXFP4 (see mxfp4.hpp) on devices. 32 values are one block: 128 bits of codes and a byte.
///
///     nvq::cuda::unpack<nvq::MXFP4>(codes_u32, scale_byte, b);  // exact in bfloat16
///     const auto block = nvq::cuda::pack<nvq::MXFP4>(values, nvq::recipe::even);
///
/// Threads that share a block gather, exchange and pack their parts:
///
///     auto statistic = nvq::cuda::gather<nvq::MXFP4>(half_of_the_block);
///     statistic = nvq::cuda::warp_reduce<2>(statistic);
///     const auto part = nvq::cuda::pack<nvq::MXFP4>(half_of_the_block, statistic, {});
