// SPDX-License-Identifier: Apache-2.0
// expect: nvq: -ffast-math and its parts let the compiler replace divisions
#ifndef NVQ_CORRECT
#define __FAST_MATH__ 1  // as -ffast-math does
#endif
#include <nvq/element.hpp>

static_assert(nvq::E2M1::encode(1.0f) == 2, "");
