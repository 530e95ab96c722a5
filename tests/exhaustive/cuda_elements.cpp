// SPDX-License-Identifier: Apache-2.0
// All 2^32 floats against the CUDA Toolkit's conversions on the host.

#include "all_floats.hpp"

#ifdef NVQ_TEST_CUDA_HEADERS
#include <cuda_fp4.h>
#include <cuda_fp8.h>

#include <nvq/element.hpp>

TEST_CASE("E2M1 and cuda_fp4.h, all floats", "[exhaustive][cuda-headers]") {
  CHECK(exhaustive::count_differences(
            [](float x) { return nvq::E2M1::encode(x); },
            [](float x) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, cudaRoundNearest); }) == 0);
}
TEST_CASE("E4M3 and cuda_fp8.h, all floats", "[exhaustive][cuda-headers]") {
  CHECK(exhaustive::count_differences(
            [](float x) { return nvq::E4M3::encode(x); },
            [](float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }) == 0);
}
TEST_CASE("E5M2 and cuda_fp8.h, all floats", "[exhaustive][cuda-headers]") {
  CHECK(exhaustive::count_differences(
            [](float x) { return nvq::E5M2::encode(x); },
            [](float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2); }) == 0);
}
TEST_CASE("E8M0 upward and cuda_fp8.h, all floats", "[exhaustive][cuda-headers]") {
  CHECK(exhaustive::count_differences(
            [](float x) { return nvq::E8M0::encode(x, nvq::Rounding::away_from_zero); },
            [](float x) { return __nv_cvt_float_to_e8m0(x, __NV_SATFINITE, cudaRoundPosInf); }) == 0);
}

#else

TEST_CASE("elements and the CUDA Toolkit's headers, all floats", "[exhaustive][cuda-headers]") {
  NVQ_SKIP("cuda-headers", "the CUDA Toolkit's headers were not found");
}

#endif
