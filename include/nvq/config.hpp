// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/version.hpp>

// What g++ tells of the parts of -ffast-math is refused, too; clang tells of finite math only.
#if defined(__FAST_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__ASSOCIATIVE_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error \
    "nvq: -ffast-math and its parts let the compiler replace divisions and drop NaN handling, which changes encoded bytes; compile the files that include nvq without them"
#endif

/// Marks a function callable from host and device code.
#if defined(__CUDACC__)
#define NVQ_HD __host__ __device__
#else
#define NVQ_HD
#endif

// g++ holds names inside a lambda of a template against those of the file that instantiates it (-Wshadow).
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define NVQ_BEGIN_WARNINGS _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define NVQ_END_WARNINGS _Pragma("GCC diagnostic pop")
#else
#define NVQ_BEGIN_WARNINGS
#define NVQ_END_WARNINGS
#endif

#define NVQ_BEGIN_NAMESPACE \
  NVQ_BEGIN_WARNINGS        \
  namespace nvq {           \
  inline namespace v0 {
#define NVQ_END_NAMESPACE \
  }                       \
  }                       \
  NVQ_END_WARNINGS
