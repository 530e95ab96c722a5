// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// FP8 (see fp8.hpp) on devices, for weights, activations and KV caches.
///
///     nvq::cuda::unpack<nvq::FP8_E4M3>(codes_u32, scale, b);             // four values
///     const auto codes = nvq::cuda::encode<nvq::FP8_E4M3>(values, scale);  // under a scale that is there already
