// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/cuda/thread.cuh>

#if defined(__CUDACC__) && !defined(__CUDACC_RTC__)
#include <nvq/cuda/device.cuh>
#endif

/// \file
/// MXFP6_E2M3 and MXFP6_E3M2 (see mxfp6.hpp) on devices. Codes are a dense bit stream: 16 of them are three words,
/// nvq::cuda::code_words<3>.
