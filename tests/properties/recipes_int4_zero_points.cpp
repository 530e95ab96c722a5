// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of int4_zero_points", "[properties]", nvq::INT4_G32_ZP, nvq::INT4_G64_ZP,
                   nvq::INT4_G128_ZP) {
  properties::check_recipes<TestType>();
}
