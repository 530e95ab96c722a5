// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/isa.hpp>

// Regions of the source that are compiled for an instruction set beyond the one the user compiles for. What stands in such a
// region has internal linkage and a namespace of its own, and instantiates nothing from outside: a linker could
// otherwise keep its copy for callers that must not use those instructions.

#define NVQ_PRAGMA(text) _Pragma(#text)

#if defined(__clang__)
#define NVQ_BEGIN_TARGET(features) \
  NVQ_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#define NVQ_END_TARGET NVQ_PRAGMA(clang attribute pop)
#else
// g++ warns of the undefined vectors in its own intrinsics where they are inlined here (GCC bug 105593), and of the signs of
// masks where they are macros.
#define NVQ_BEGIN_TARGET(features)                           \
  NVQ_PRAGMA(GCC push_options)                               \
  NVQ_PRAGMA(GCC target(features))                           \
  NVQ_PRAGMA(GCC diagnostic push)                            \
  NVQ_PRAGMA(GCC diagnostic ignored "-Wmaybe-uninitialized") \
  NVQ_PRAGMA(GCC diagnostic ignored "-Wsign-conversion")     \
  NVQ_PRAGMA(GCC diagnostic ignored "-Wuninitialized")
#define NVQ_END_TARGET NVQ_PRAGMA(GCC diagnostic pop) NVQ_PRAGMA(GCC pop_options)
#endif

/// A piece of a kernel: always part of its caller.
#define NVQ_SIMD static inline __attribute__((always_inline))
#define NVQ_MEMBER inline __attribute__((always_inline))
