// SPDX-License-Identifier: Apache-2.0
// expect: nvq::Float: an element has at most 8 bits
#include <nvq/element.hpp>

#ifdef NVQ_CORRECT
using Element = nvq::Float<4, 3, nvq::Specials::nan_only>;
#else
using Element = nvq::Float<5, 3>;
#endif

static_assert(Element::bits == 8, "");
