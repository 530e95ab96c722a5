// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/aliases.hpp>
#include <nvq/cuda/hadamard.cuh>
#include <nvq/cuda/pack.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/cuda/unpack.cuh>
#include <nvq/layout.hpp>

/// \file
/// The codecs on registers, for kernels of your own: unpack() in GEMM prologues, pack() in fused epilogues,
/// hadamard16() before them. They know of no thread but their own, read and write no memory, and are the same
/// functions on the host. Threads that share a block merge what they gather() with warp_reduce() (reduce.cuh). A
/// layout's offset() (layout.hpp) says where a scale goes.
