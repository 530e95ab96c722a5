// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/simd/avx2.hpp>
#include <nvq/simd/avx512.hpp>
#include <nvq/simd/isa.hpp>
#include <nvq/simd/neon.hpp>

// The instruction sets of this build as types, and the choice among them.

NVQ_BEGIN_NAMESPACE

namespace simd {

/// Calls fn with an object of the active tier's type; false where that is the scalar one.
template <class Fn>
bool with_isa(Fn&& fn) noexcept {
  switch (active_isa()) {
#if NVQ_SIMD_X86
    case Isa::avx512:
      fn(avx512::isa{});
      return true;
    case Isa::avx2:
      fn(avx2::isa{});
      return true;
#endif
#if NVQ_SIMD_NEON
    case Isa::neon:
      fn(neon::isa{});
      return true;
#endif
    default:
      (void)fn;
      return false;
  }
}

}  // namespace simd

NVQ_END_NAMESPACE
