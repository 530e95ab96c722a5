// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of int8", "[properties]", nvq::INT8, nvq::INT8_Row, nvq::INT8_G128) {
  properties::check_recipes<TestType>();
}
