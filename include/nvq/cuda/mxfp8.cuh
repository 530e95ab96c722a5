// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// MXFP8_E4M3 and MXFP8_E5M2 (see mxfp8.hpp) on devices. Four codes are a word.
