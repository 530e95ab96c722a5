// SPDX-License-Identifier: Apache-2.0
#pragma once

// Catch2 v3, or v2 as Debian 12 ships it. Tests use only what both have.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cstdio>

// v2 has no SKIP. CTest finds this line, reports the test as skipped, and `./run test` counts it by its kind:
// gpu, cuda-headers, nvcc, python.
#define NVQ_SKIP(kind, reason)                       \
  do {                                               \
    std::printf("nvq-skip(%s): %s\n", kind, reason); \
    SUCCEED("skipped");                              \
    return;                                          \
  } while (false)
