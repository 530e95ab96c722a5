// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of mxfp8", "[properties]", nvq::MXFP8_E4M3, nvq::MXFP8_E5M2,
                   nvq::FP8_E4M3_1x128_UE8M0, nvq::FP8_E4M3_128x128_UE8M0) {
  properties::check_recipes<TestType>();
}
