// SPDX-License-Identifier: Apache-2.0
#include "codec_properties.hpp"

TEMPLATE_TEST_CASE("properties of nf4", "[properties]", nvq::NF4, nvq::NF4_DQ) {
  properties::check_all<TestType>();
}
