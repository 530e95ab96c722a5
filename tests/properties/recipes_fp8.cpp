// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of fp8", "[properties]", nvq::FP8_E4M3, nvq::FP8_E5M2, nvq::FP8_E4M3_Row,
                   nvq::FP8_E4M3_1x128, nvq::FP8_E4M3_128x128) {
  properties::check_recipes<TestType>();
}
