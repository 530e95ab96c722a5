// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_TEST_CASE("properties of nf4", "[properties]", nvq::NF4, nvq::NF4_DQ) {
  properties::check_recipes<TestType>();
}
