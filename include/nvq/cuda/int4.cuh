// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// INT4 (see int4.hpp) on devices, with and without zero points. Eight codes are a word.
///
///     nvq::cuda::unpack<nvq::INT4_G128>(codes_u32, scale_bits, h);                       // code * scale
///     nvq::cuda::unpack<nvq::INT4_G128_ZP>(codes_u32, {scale_bits, zero_point}, h);      // (code - zero point) * scale
///     nvq::cuda::unpack<nvq::INT4_G128, nvq::cuda::Order::interleaved>(marlin_u32, h);   // words of Marlin and AWQ
