// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <nvq/detail/ptx.hpp>
#include <nvq/element.hpp>
#include <type_traits>

// Blackwell converts FP4 and FP6 by instructions that plain targets (sm_100, sm_120) do not have. A kernel built
// for a plain target would emulate them, many times slower and without a word, so it does not compile. Defining
// NVQ_SOFTWARE_FP4 asks for emulation. Before Blackwell software conversion is all there is.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && !NVQ_HAS_CVT_FP4 && !defined(NVQ_SOFTWARE_FP4)
inline constexpr bool plain_blackwell = true;
#else
inline constexpr bool plain_blackwell = false;
#endif

template <class E>
inline constexpr bool is_fp4_or_fp6 =
    std::is_same<E, E2M1>::value || std::is_same<E, E2M3>::value || std::is_same<E, E3M2>::value;

template <class F>
NVQ_HD constexpr void check_target() noexcept {
  static_assert(
      !(plain_blackwell && is_fp4_or_fp6<typename F::element>),
      "nvq: this target lacks the FP4/FP6 conversions of its GPU; compile for sm_100a, sm_103a, sm_120a or "
      "sm_121a (or the family, sm_120f), or define NVQ_SOFTWARE_FP4 to convert in software");
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
