// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/fp8.hpp>
#include <nvq/int4.hpp>
#include <nvq/int8.hpp>
#include <nvq/mxfp4.hpp>
#include <nvq/mxfp6.hpp>
#include <nvq/mxfp8.hpp>
#include <nvq/nf4.hpp>
#include <nvq/nvfp4.hpp>
#include <tuple>

// The one list of the formats nvq ships: tests, benchmarks, the docs' table and `nvq formats` go through it.
// clang-format off
#define NVQ_FORMATS(X, SEPARATE) \
  X(NVFP4) SEPARATE \
  X(NVFP4_2D) SEPARATE \
  X(MXFP4) SEPARATE \
  X(MXFP6_E2M3) SEPARATE \
  X(MXFP6_E3M2) SEPARATE \
  X(MXFP8_E4M3) SEPARATE \
  X(MXFP8_E5M2) SEPARATE \
  X(FP8_E4M3) SEPARATE \
  X(FP8_E5M2) SEPARATE \
  X(FP8_E4M3_Row) SEPARATE \
  X(FP8_E4M3_1x128) SEPARATE \
  X(FP8_E4M3_128x128) SEPARATE \
  X(FP8_E4M3_1x128_UE8M0) SEPARATE \
  X(FP8_E4M3_128x128_UE8M0) SEPARATE \
  X(INT8) SEPARATE \
  X(INT8_Row) SEPARATE \
  X(INT8_G128) SEPARATE \
  X(INT4_G32) SEPARATE \
  X(INT4_G64) SEPARATE \
  X(INT4_G128) SEPARATE \
  X(INT4_Row) SEPARATE \
  X(INT4_G32_ZP) SEPARATE \
  X(INT4_G64_ZP) SEPARATE \
  X(INT4_G128_ZP) SEPARATE \
  X(NF4) SEPARATE \
  X(NF4_DQ)
// clang-format on

NVQ_BEGIN_NAMESPACE

#define NVQ_TYPE(format) format
#define NVQ_COMMA ,
using AllFormats = std::tuple<NVQ_FORMATS(NVQ_TYPE, NVQ_COMMA)>;
#undef NVQ_COMMA
#undef NVQ_TYPE

/// The name of a listed format, spelled as its alias; "" for any other.
template <class F>
inline constexpr const char* format_name = "";
#define NVQ_NAME(format) \
  template <>            \
  inline constexpr const char* format_name<format> = #format;
NVQ_FORMATS(NVQ_NAME, )
#undef NVQ_NAME
#undef NVQ_FORMATS

NVQ_END_NAMESPACE
