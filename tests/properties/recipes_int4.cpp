// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of int4", "[properties]", nvq::INT4_G32, nvq::INT4_G64, nvq::INT4_G128,
                   nvq::INT4_Row) {
  properties::check_recipes<TestType>();
}
