// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/detail/minifloat.hpp>

NVQ_BEGIN_NAMESPACE

namespace detail {

/// "E4M3", "UE4M3", "E4M3FNUZ": the name of a floating-point element spelled from its parameters.
template <int E, int M, Specials S, bool Signed>
struct float_name {
  char text[16] = {};

  constexpr float_name() noexcept {
    int n = 0;
    if (!Signed) text[n++] = 'U';
    text[n++] = 'E';
    text[n++] = static_cast<char>('0' + E);
    text[n++] = 'M';
    if (M >= 10) text[n++] = static_cast<char>('0' + M / 10);
    text[n++] = static_cast<char>('0' + M % 10);
    if (S == Specials::fnuz) {
      text[n++] = 'F';
      text[n++] = 'N';
      text[n++] = 'U';
      text[n++] = 'Z';
    }
  }
};

template <int E, int M, Specials S, bool Signed>
inline constexpr float_name<E, M, S, Signed> float_name_v{};

}  // namespace detail

NVQ_END_NAMESPACE
