// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of nvfp4", "[properties]", nvq::NVFP4, nvq::NVFP4_2D) {
  properties::check_recipes<TestType>();
}
