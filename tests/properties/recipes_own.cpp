// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

TEMPLATE_LIST_TEST_CASE("properties of formats of one's own", "[properties]", properties::OwnFormats) {
  properties::check_recipes<TestType>();
}
