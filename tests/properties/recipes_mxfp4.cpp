// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of mxfp4", "[properties]", nvq::MXFP4, nvq::MXFP6_E2M3, nvq::MXFP6_E3M2) {
  properties::check_recipes<TestType>();
}
