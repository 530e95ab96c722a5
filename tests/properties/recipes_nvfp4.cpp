// SPDX-License-Identifier: Apache-2.0
#include "codec_properties.hpp"

TEMPLATE_TEST_CASE("properties of nvfp4", "[properties]", nvq::NVFP4, nvq::NVFP4_2D) {
  properties::check_all<TestType>();
}
